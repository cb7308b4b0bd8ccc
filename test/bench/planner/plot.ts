export type Curve = { name: string; points: { x: number; y: number }[] }

export type Plot = {
  title: string
  /** What the curves show, for readers who cannot see them. */
  description: string
  yTitle: string
  curves: Curve[]
  /** A moment to mark on the time axis. */
  mark?: { x: number; name: string }
}

const width = 720
const height = 360
const margin = { left: 56, right: 130, top: 34, bottom: 44 }
const colours = ['#9a3412', '#6d28d9', '#0369a1', '#15803d']
const decades = [1, 10, 100, 1000, 10_000, 100_000]

/** 1, 2 or 5 times a power of ten, such that about five of it reach `most`. */
const stepFor = (most: number): number => {
  const power = 10 ** Math.floor(Math.log10(most / 5))
  return power * ([1, 2, 5].find((times) => times * power * 5 >= most) ?? 10)
}

const xmlText = (words: string): string => words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** Step curves from zero over a logarithmic time axis in milliseconds, as one self-contained SVG. */
export const plotSteps = ({ title, description, yTitle, curves, mark }: Plot): string => {
  const xs = curves.flatMap(({ points }) => points.map(({ x }) => Math.max(1, x)))
  const most = curves.flatMap(({ points }) => points.map(({ y }) => y)).reduce((x, y) => Math.max(x, y), 1e-9)
  const [x0, x1] = [Math.log10(Math.min(...xs)), Math.log10(Math.max(...xs))]
  const step = stepFor(most)
  const top = step * Math.ceil(most / step)
  const right = width - margin.right
  const bottom = height - margin.bottom
  const px = (x: number): number =>
    margin.left + ((Math.log10(Math.max(1, x)) - x0) / (x1 - x0 || 1)) * (right - margin.left)
  const py = (y: number): number => bottom - (y / top) * (bottom - margin.top)
  const text = (x: number, y: number, words: string, anchor = 'middle'): string =>
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${xmlText(words)}</text>`

  const times = decades
    .flatMap((ms) => [ms, 2 * ms, 5 * ms])
    .filter((ms) => Math.log10(ms) >= x0 && Math.log10(ms) <= x1)
  const levels = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step)
  const grid = [
    ...times.map(
      (ms) =>
        `<path class="grid" d="M${px(ms).toFixed(1)} ${margin.top}V${bottom}"/>${text(px(ms), bottom + 16, String(ms))}`,
    ),
    ...levels.map(
      (y) =>
        `<path class="grid" d="M${margin.left} ${py(y).toFixed(1)}H${right}"/>${text(margin.left - 6, py(y) + 4, String(Number(y.toPrecision(3))), 'end')}`,
    ),
    ...(mark
      ? [
          `<path class="mark" d="M${px(mark.x).toFixed(1)} ${margin.top}V${bottom}"/>${text(px(mark.x) - 6, margin.top + 14, mark.name, 'end')}`,
        ]
      : []),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" font-family="system-ui, sans-serif" font-size="12">
<title>${xmlText(title)}</title>
<desc>${xmlText(description)}</desc>
<style>.grid{stroke:#d4d4d4}.mark{stroke:#737373;stroke-dasharray:4 4}</style>
<rect width="${width}" height="${height}" fill="#fff"/>
${text(margin.left, 20, title, 'start')}
${grid.join('\n')}
${text((margin.left + right) / 2, height - 8, 'milliseconds on one core (logarithmic)')}
<text transform="translate(14 ${height / 2}) rotate(-90)" text-anchor="middle">${xmlText(yTitle)}</text>
${drawn(curves, px, py, right).join('\n')}
</svg>
`
}

/** The curves, each with its name at its end, the highest first so that names do not overlap. */
const drawn = (curves: Curve[], px: (x: number) => number, py: (y: number) => number, right: number): string[] => {
  let labelled = Number.NEGATIVE_INFINITY
  return [...curves.keys()]
    .sort((i, j) => curves[j]!.points.at(-1)!.y - curves[i]!.points.at(-1)!.y)
    .map((i) => {
      const { name, points } = curves[i]!
      const colour = colours[i % colours.length]
      const line = points.map(({ x, y }, k) =>
        k === 0 ? `M${px(x).toFixed(1)} ${py(y).toFixed(1)}` : `H${px(x).toFixed(1)}V${py(y).toFixed(1)}`,
      )
      labelled = Math.max(labelled + 16, py(points.at(-1)!.y) + 4)
      const label = `<text x="${right + 8}" y="${labelled.toFixed(1)}" fill="${colour}">${xmlText(name)}</text>`
      return `<path d="${line.join('')}H${right}" fill="none" stroke="${colour}" stroke-width="2"/>${label}`
    })
}

export type Curve = { name: string; points: { x: number; y: number }[] }

const width = 720
const height = 360
const margin = { left: 56, right: 130, top: 34, bottom: 44 }
const colours = ['#9a3412', '#6d28d9', '#0369a1', '#15803d']

/** Step curves over a logarithmic time axis, as one self-contained SVG. */
export const plotSteps = (title: string, yTitle: string, curves: Curve[]): string => {
  const xs = curves.flatMap(({ points }) => points.map(({ x }) => Math.max(1, x)))
  const ys = curves.flatMap(({ points }) => points.map(({ y }) => y))
  const [x0, x1] = [Math.log10(Math.min(...xs)), Math.log10(Math.max(...xs))]
  const [y0, y1] = [Math.min(...ys, 0.999), Math.max(...ys, 1)]
  const px = (x: number): number =>
    margin.left + ((Math.log10(Math.max(1, x)) - x0) / (x1 - x0 || 1)) * (width - margin.left - margin.right)
  const py = (y: number): number =>
    height - margin.bottom - ((y - y0) / (y1 - y0 || 1)) * (height - margin.top - margin.bottom)
  const text = (x: number, y: number, words: string, anchor = 'middle'): string =>
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${words}</text>`
  const decades = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000].filter(
    (ms) => Math.log10(ms) >= x0 && Math.log10(ms) <= x1,
  )
  const levels = [0, 0.25, 0.5, 0.75, 1].map((share) => y0 + share * (y1 - y0))
  const grid = [
    ...decades.map(
      (ms) =>
        `<path class="grid" d="M${px(ms).toFixed(1)} ${margin.top}V${height - margin.bottom}"/>${text(px(ms), height - margin.bottom + 16, String(ms))}`,
    ),
    ...levels.map(
      (y) =>
        `<path class="grid" d="M${margin.left} ${py(y).toFixed(1)}H${width - margin.right}"/>${text(margin.left - 6, py(y) + 4, y.toFixed(2), 'end')}`,
    ),
  ]
  let labelled = Number.NEGATIVE_INFINITY
  const drawn = [...curves.keys()]
    .sort((i, j) => curves[j]!.points.at(-1)!.y - curves[i]!.points.at(-1)!.y)
    .map((i) => {
      const { name, points } = curves[i]!
      const d = points.map(({ x, y }, k) =>
        k === 0 ? `M${px(x).toFixed(1)} ${py(y).toFixed(1)}` : `H${px(x).toFixed(1)}V${py(y).toFixed(1)}`,
      )
      labelled = Math.max(labelled + 16, py(points.at(-1)!.y) + 4)
      const label = `<text x="${width - margin.right + 8}" y="${labelled.toFixed(1)}" fill="${colours[i % colours.length]}">${name}</text>`
      return `<path d="${d.join('')}H${width - margin.right}" fill="none" stroke="${colours[i % colours.length]}" stroke-width="2"/>${label}`
    })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12">
<style>.grid{stroke:#d4d4d4;stroke-width:1}</style>
<rect width="${width}" height="${height}" fill="#fff"/>
${text(margin.left, 20, title, 'start')}
${grid.join('\n')}
${text((margin.left + width - margin.right) / 2, height - 8, 'milliseconds on one core (logarithmic)')}
<text transform="translate(14 ${height / 2}) rotate(-90)" text-anchor="middle">${yTitle}</text>
${drawn.join('\n')}
</svg>
`
}

import { readFile } from 'node:fs/promises'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { parse } from 'yaml'

const name = Type.String({ pattern: '^[a-z0-9]([-a-z0-9]{0,18}[a-z0-9])?$' })
const labels = Type.Record(Type.String(), Type.String())

const Node = Type.Object(
  {
    name,
    /** Where the node is plugged in. Default: the first site. */
    site: Type.Optional(name),
    labels: Type.Optional(labels),
  },
  { additionalProperties: false },
)

const Cluster = Type.Object({ name, nodes: Type.Array(Node, { maxItems: 100 }) }, { additionalProperties: false })

const Link = Type.Object(
  {
    a: name,
    b: name,
    /** Bits per second in each direction, as a quantity ("200M"). Default: not shaped. */
    rate: Type.Optional(Type.String({ pattern: '^[0-9]+(\\.[0-9]+)?[kMG]?$' })),
    /** Added to each direction. */
    delayMilliseconds: Type.Optional(Type.Number({ minimum: 0, maximum: 1000 })),
  },
  { additionalProperties: false },
)

const Image = Type.Object(
  {
    /** Program and first arguments; a container's `command` replaces it. */
    entrypoint: Type.Optional(Type.Array(Type.String())),
    /** Default: root of this checkout. */
    workingDirectory: Type.Optional(Type.String()),
    environment: Type.Optional(labels),
  },
  { additionalProperties: false },
)

const Description = Type.Object(
  {
    clusters: Type.Array(Cluster, { minItems: 1, maxItems: 10 }),
    sites: Type.Array(Type.Object({ name }, { additionalProperties: false }), { minItems: 1, maxItems: 100 }),
    links: Type.Optional(Type.Array(Link)),
    /** By image name without tag or digest: what stands for it here. */
    images: Type.Optional(Type.Record(Type.String(), Image)),
    /** Of the underlay's interfaces. */
    mtuBytes: Type.Optional(Type.Integer({ minimum: 1280, maximum: 65_535 })),
  },
  { additionalProperties: false },
)

export type LaboratoryDescription = Static<typeof Description>
export type NodeDescription = Static<typeof Node>
export type LinkDescription = Static<typeof Link>
export type ImageDescription = Static<typeof Image>

const validator = Compile(Description)

/** Reads a laboratory's file (YAML or JSON); throws with every place that is wrong. */
export const readDescription = async (path: string): Promise<LaboratoryDescription> =>
  checkDescription(parse(await readFile(path, 'utf8')), path)

/** Shape, then the references between its parts. */
export const checkDescription = (value: unknown, source: string): LaboratoryDescription => {
  if (!validator.Check(value)) {
    const problems = validator.Errors(value).map((error) => `${error.instancePath || '/'} ${error.message}`)
    throw new Error(`${source} does not describe a laboratory:\n  ${problems.join('\n  ')}`)
  }
  const sites = value.sites.map((site) => site.name)
  const problems = [
    ...repeated(sites).map((name) => `two sites are named ${name}`),
    ...repeated(value.clusters.map((cluster) => cluster.name)).map((name) => `two clusters are named ${name}`),
    ...value.clusters.flatMap(({ name: cluster, nodes }) => [
      ...repeated(nodes.map((node) => node.name)).map((name) => `two nodes of ${cluster} are named ${name}`),
      ...nodes
        .filter(({ site }) => site !== undefined && !sites.includes(site))
        .map(({ name, site }) => `node ${cluster}/${name} is at site ${site}, which there is not`),
    ]),
    ...(value.links ?? [])
      .filter(({ a, b }) => a === b || !sites.includes(a) || !sites.includes(b))
      .map(({ a, b }) => `link ${a} – ${b} must join two different sites of the description`),
  ]
  if (problems.length > 0) throw new Error(`${source} contradicts itself:\n  ${problems.join('\n  ')}`)
  return value
}

const repeated = (names: readonly string[]): string[] => [
  ...new Set(names.filter((name, index) => names.indexOf(name) !== index)),
]

/** "200M" → 200,000,000. */
export const parseRate = (rate: string): number => {
  const factor = { k: 1e3, M: 1e6, G: 1e9 }[rate.at(-1) ?? '']
  return factor === undefined ? Number(rate) : Number(rate.slice(0, -1)) * factor
}

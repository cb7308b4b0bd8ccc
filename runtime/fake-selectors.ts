import type { KubeObject } from './kube-object.ts'

export type Matches = (object: KubeObject) => boolean

/** Label selector as in a query: `a=b,c!=d,e in (f,g),h notin (i),j,!k`. */
export const parseLabelSelector = (text: string): Matches => {
  const requirements = (text.match(/[^,(]+(\([^)]*\))?/g) ?? []).map((term) => labelRequirement(term.trim()))
  return ({ metadata }) => requirements.every((holds) => holds(metadata?.labels ?? {}))
}

type Labels = Record<string, string | undefined>

const labelRequirement = (term: string): ((labels: Labels) => boolean) => {
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(term)
  if (set) {
    const [, key = '', operator, list = ''] = set
    const values = list.split(',').map((value) => value.trim())
    return (labels) => (operator === 'in') === (labels[key] !== undefined && values.includes(labels[key]))
  }
  const [, key = '', operator, value = ''] = /^(.+?)\s*(!=|==|=)\s*(.*)$/.exec(term) ?? []
  if (operator) return (labels) => (labels[key] === value) === (operator !== '!=')
  return term.startsWith('!') ? (labels) => labels[term.slice(1)] === undefined : (labels) => labels[term] !== undefined
}

/** Field selector: `metadata.name=a,status.phase!=Running`. Unlike the real server it takes any path. */
export const parseFieldSelector = (text: string): Matches => {
  const requirements = text
    .split(',')
    .filter(Boolean)
    .map((term) => /^(.+?)(!=|==|=)(.*)$/.exec(term.trim()) ?? [])
  return (object) =>
    requirements.every(
      ([, path = '', operator, value]) => (String(valueAt(object, path) ?? '') === value) === (operator !== '!='),
    )
}

const valueAt = (object: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((value, field) => (value as Record<string, unknown> | undefined)?.[field], object)

/** Both selectors of a list or watch, and its namespace. */
export const selectionOf = (query: URLSearchParams, namespace: string | undefined): Matches => {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '')
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '')
  return (object) =>
    (namespace === undefined || object.metadata?.namespace === namespace) && labels(object) && fields(object)
}

import { type FakeStatusError, notFound } from './fake-status-error.ts'

export type Route = {
  /** `pods` or `virtualnetworks.vnet.dev`. */
  collection: string
  plural: string
  apiVersion: string
  namespace: string | undefined
  name: string | undefined
  subresource: string | undefined
}

/** Takes a resource path of the API server apart. */
export const parseRoute = (path: string): Route => {
  const [root, ...segments] = path.split('/').slice(1).map(decodeURIComponent)
  const group = root === 'api' ? '' : segments.shift()
  const version = segments.shift()
  if (group === undefined || !version || segments.length === 0) throw unknownPath(path)
  // `namespaces/x` alone is the Namespace x; with a plural behind it is the scope of another kind.
  const scoped = segments[0] === 'namespaces' && segments.length > 2 && !namespaceSubresources.has(segments[2] ?? '')
  const namespace = scoped ? segments[1] : undefined
  const [plural = '', name, ...rest] = scoped ? segments.slice(2) : segments
  return {
    collection: group ? `${plural}.${group}` : plural,
    plural,
    apiVersion: group ? `${group}/${version}` : version,
    namespace,
    name,
    subresource: rest.length > 0 ? rest.join('/') : undefined,
  }
}

const namespaceSubresources = new Set(['status', 'finalize'])

const unknownPath = (path: string): FakeStatusError =>
  notFound(`the server could not find the requested resource ${path}`)

import { ApiError } from './api-error.ts'
import type { KubeClient } from './kube-client.ts'
import { apiVersionOf, type Resource } from './kube-object.ts'

type Document = { kind?: string; groups?: { name: string }[]; resources?: { name: string }[] }

/**
 * Whether the API server knows a kind, by its own list of what it serves. A 404 does not tell: proxies say it too, and so does the API server in
 * plain text for a group that it does not know.
 * @throws ApiError when no such list could be had: then nothing is known.
 */
export const isServed = async (client: KubeClient, resource: Resource, signal: AbortSignal): Promise<boolean> => {
  const read = async (path: string, kind: string): Promise<Document> => {
    const attempt = `read which kinds there are (${path})`
    const text = await client.requestText({ method: 'GET', path, attempt, signal })
    const document = parse(text)
    if (document.kind !== kind)
      throw new ApiError({ attempt, status: 200, reason: 'NotDiscovery', message: `the answer is no ${kind}` })
    return document
  }
  if (resource.group) {
    const { groups } = await read('/apis', 'APIGroupList')
    if (!groups?.some(({ name }) => name === resource.group)) return false
  }
  const path = resource.group ? `/apis/${apiVersionOf(resource)}` : `/api/${resource.version}`
  const { resources } = await read(path, 'APIResourceList')
  return resources?.some(({ name }) => name === resource.plural) ?? false
}

const parse = (text: string): Document => {
  try {
    return (JSON.parse(text) ?? {}) as Document
  } catch {
    return {}
  }
}

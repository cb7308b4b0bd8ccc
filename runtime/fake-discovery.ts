/** What the API server says of the kinds that it serves. `collections`: `plural` or `plural.group`. */
export const discoveryAnswer = (path: string, collections: readonly string[]): object | undefined => {
  const groupOf = (collection: string): string => collection.split('.').slice(1).join('.')
  if (path === '/apis') {
    const groups = new Set(collections.map(groupOf).filter(Boolean))
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: [...groups].map((name) => ({ name })) }
  }
  const [, root, ...rest] = path.split('/')
  if ((root === 'api' && rest.length !== 1) || (root === 'apis' && rest.length !== 2)) return undefined
  const group = root === 'api' ? '' : rest[0]
  const names = collections.filter((collection) => groupOf(collection) === group).map((it) => it.split('.')[0])
  if (names.length === 0 && group !== '') return undefined
  return { kind: 'APIResourceList', groupVersion: rest.join('/'), resources: names.map((name) => ({ name })) }
}

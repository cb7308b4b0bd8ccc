// Objects as sets of leaves, for the fake API server's field ownership. A leaf is a scalar, an empty object, or a whole list;
// the lists of metadata and status that several writers share are taken apart by their key, as their schemas say.
type Tree = Record<string, unknown>

const listKeys: Record<string, string> = { conditions: 'type', ownerReferences: 'uid' }
const setLists = new Set(['finalizers'])

/** Field names from the root; an element of a keyed list is `[key value]`. */
export type FieldPath = readonly string[]
export type Leaves = Map<string, unknown>

export const pathText = (path: FieldPath): string => JSON.stringify(path)
export const parsePath = (text: string): FieldPath => JSON.parse(text) as FieldPath

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0

/** Leaves of a JSON object, by the text of their path. */
export const leavesOf = (object: object): Leaves => {
  const leaves: Leaves = new Map()
  const visit = (value: unknown, path: FieldPath): void => {
    if (isTree(value)) for (const [field, inner] of Object.entries(value)) visitField(field, inner, path)
    else if (value !== undefined && path.length > 0) leaves.set(pathText(path), value)
  }
  const visitField = (field: string, value: unknown, path: FieldPath): void => {
    const elements = elementsOf(field, value)
    if (!elements) visit(value, [...path, field])
    for (const [id, element] of elements ?? []) visit(element, [...path, field, id])
  }
  visit(object, [])
  return leaves
}

const elementsOf = (field: string, value: unknown): [string, unknown][] | undefined => {
  if (!Array.isArray(value) || value.length === 0) return undefined
  if (setLists.has(field)) return value.map((element) => [`[${element}]`, element])
  const key = listKeys[field]
  return key ? value.map((element) => [`[${(element as Tree)[key]}]`, element]) : undefined
}

const idOf = (field: string, element: unknown): string =>
  setLists.has(field) ? `[${element}]` : `[${(element as Tree)[listKeys[field] ?? '']}]`

const isKeyedList = (field: string | undefined): field is string =>
  field !== undefined && (setLists.has(field) || field in listKeys)

/** Sets a leaf in `object` (changed in place), making what lies between. */
export const setLeaf = (object: Tree, path: FieldPath, value: unknown): void => {
  const [field = '', id] = path
  if (isKeyedList(field) && id?.startsWith('[')) setElement(object, path, value)
  else if (path.length === 1) {
    // An empty object says "there is one"; it takes nothing from others.
    if (!(isEmpty(value) && isPlain(object[field]))) object[field] = value
  } else {
    if (!isPlain(object[field])) object[field] = {}
    setLeaf(object[field] as Tree, path.slice(1), value)
  }
}

/** A leaf that identifies the element of a keyed list: it must be removed last, for the others are found by it. */
export const isKeyLeaf = (path: FieldPath): boolean =>
  path.length >= 3 && path.at(-2)?.startsWith('[') === true && listKeys[path.at(-3) ?? ''] === path.at(-1)

const isPlain = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

const isEmpty = (value: unknown): boolean => isPlain(value) && Object.keys(value as Tree).length === 0

const setElement = (object: Tree, [field = '', id, ...rest]: FieldPath, value: unknown): void => {
  const list = Array.isArray(object[field]) ? (object[field] as unknown[]) : []
  object[field] = list
  const at = list.findIndex((element) => idOf(field, element) === id)
  if (rest.length === 0) list.splice(at < 0 ? list.length : at, at < 0 ? 0 : 1, value)
  else {
    const element = (at < 0 ? { [listKeys[field] ?? '']: id?.slice(1, -1) } : list[at]) as Tree
    if (at < 0) list.push(element)
    setLeaf(element, rest, value)
  }
}

/** Removes a leaf from `object` (changed in place) and the parents that it leaves empty. */
export const removeLeaf = (object: Tree, path: FieldPath): void => {
  const [field = '', id, ...rest] = path
  if (isKeyedList(field) && Array.isArray(object[field])) {
    const list = object[field] as unknown[]
    const at = list.findIndex((element) => idOf(field, element) === id)
    if (at < 0) return
    if (rest.length > 0) removeLeaf(list[at] as Tree, rest)
    if (rest.length === 0 || !isTree(list[at])) list.splice(at, 1)
    if (list.length === 0) delete object[field]
  } else if (path.length === 1) delete object[field]
  else if (isTree(object[field])) {
    removeLeaf(object[field], path.slice(1))
    if (!isTree(object[field])) delete object[field]
  }
}

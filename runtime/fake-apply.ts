import { isDeepStrictEqual } from 'node:util'
import { isKeyLeaf, leavesOf, parsePath, removeLeaf, setLeaf } from './fake-fields.ts'
import type { KubeObject } from './kube-object.ts'

/** Field ownership of one object: leaf paths by manager. `manager` here is `name|operation|subresource`. */
export type Owners = ReadonlyMap<string, ReadonlySet<string>>

export type Application = {
  live: KubeObject
  owners: Owners
  manager: string
  /** Only the fields under management: no type, no identity, no server-set metadata. */
  applied: object
  force: boolean
}

export type Applied = { object: KubeObject; owners: Owners } | { conflicts: { manager: string; path: string }[] }

/**
 * Server-side apply, simplified: the manager's leaves become exactly those of `applied`; a leaf it no longer applies goes unless
 * somebody else owns it; a leaf that another manager owns with a different value is a conflict, or is taken over by force.
 */
export const applyFields = ({ live, owners, manager, applied, force }: Application): Applied => {
  const leaves = leavesOf(applied)
  const liveLeaves = leavesOf(live)
  const conflicts = [...owners].flatMap(([other, paths]) =>
    other === manager
      ? []
      : [...leaves]
          .filter(([path, value]) => paths.has(path) && !isDeepStrictEqual(liveLeaves.get(path), value))
          .map(([path]) => ({ manager: other, path })),
  )
  if (conflicts.length > 0 && !force) return { conflicts }

  const next = new Map([...owners].map(([name, paths]) => [name, new Set(paths)]))
  for (const conflict of conflicts) next.get(conflict.manager)?.delete(conflict.path)
  const dropped = [...(owners.get(manager) ?? [])]
    .filter((path) => !leaves.has(path))
    .sort((a, b) => Number(isKeyLeaf(parsePath(a))) - Number(isKeyLeaf(parsePath(b))))
  next.set(manager, new Set(leaves.keys()))

  const object = structuredClone(live)
  for (const path of dropped)
    if (![...next.values()].some((paths) => paths.has(path)))
      removeLeaf(object as Record<string, unknown>, parsePath(path))
  for (const [path, value] of leaves)
    setLeaf(object as Record<string, unknown>, parsePath(path), structuredClone(value))
  return { object, owners: withoutEmpty(next) }
}

/** Ownership after a write that is no apply: the writer owns what it changed, alone. */
export const ownChanges = (owners: Owners, manager: string, before: object, after: object): Owners => {
  const was = leavesOf(before)
  const is = leavesOf(after)
  const changed = [...is].filter(([path, value]) => !isDeepStrictEqual(was.get(path), value)).map(([path]) => path)
  const lost = new Set([...changed, ...[...was.keys()].filter((path) => !is.has(path))])
  const next = new Map(
    [...owners].map(([name, paths]) => [name, new Set([...paths].filter((path) => !lost.has(path)))]),
  )
  next.set(manager, new Set([...(next.get(manager) ?? []), ...changed]))
  return withoutEmpty(next)
}

const withoutEmpty = (owners: Owners): Owners => new Map([...owners].filter(([, paths]) => paths.size > 0))

/** RFC 7396. */
export const mergePatch = (target: unknown, patch: unknown): unknown => {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const isObject = typeof target === 'object' && target !== null && !Array.isArray(target)
  const result: Record<string, unknown> = isObject ? { ...(target as object) } : {}
  for (const [field, value] of Object.entries(patch))
    if (value === null) delete result[field]
    else result[field] = mergePatch(result[field], value)
  return result
}

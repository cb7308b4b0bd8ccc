import { readdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { runOrThrow } from './processes.ts'
import { isAlive, namespacePrefix, RunState, runsFolder } from './run-state.ts'

/** Removes what dead runs left on this machine; resolves to their ids. Runs that live are left alone. */
export const sweep = async (): Promise<string[]> => {
  const dead = listFolder(runsFolder).filter((id) => !RunState.open(id).ownerIsAlive && isOld(id))
  for (const id of dead) await removeRun(RunState.open(id))
  await removeOrphans()
  return dead
}

/** Ends the recorded processes of a run and removes its namespaces, mounts and files. Deleting the absent is success. */
export const removeRun = async (state: RunState): Promise<void> => {
  const alive = state.processes.filter(isAlive)
  for (const { pid } of alive) signal(pid, 'SIGKILL')
  await Promise.all(alive.map(untilGone))
  await removeNamespaces(listFolder('/run/netns').filter((name) => name.startsWith(namespacePrefix(state.id))))
  for (const mount of mountsUnder(state.folder)) await runOrThrow(['umount', '--lazy', mount])
  rmSync(state.folder, { recursive: true, force: true })
  try {
    rmdirSync(runsFolder)
  } catch {
    // Other runs live in it.
  }
}

/** Mount points under a folder, inner ones first. */
export const mountsUnder = (folder: string): string[] =>
  readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((point) => point === folder || point.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)

/** Deletes network namespaces by name, several at once. */
export const removeNamespaces = async (names: readonly string[]): Promise<void> => {
  if (names.length === 0) return
  // -force goes on after a failure: another sweep may have been faster.
  const input = names.map((name) => `netns delete ${name}\n`).join('')
  await runOrThrow(['ip', '-force', '-batch', '-'], { input }).catch((error: Error) => {
    const left = listFolder('/run/netns').filter((name) => names.includes(name))
    if (left.length > 0) throw new Error(`could not delete the namespaces ${left.join(', ')}`, { cause: error })
  })
}

// A namespace without its run's folder: the folder is made first and removed last, so nobody owns it.
const removeOrphans = async (): Promise<void> => {
  const pattern = new RegExp(`^${namespacePrefix()}([0-9a-f]{4})-`)
  const runs = new Set(listFolder(runsFolder))
  const isOrphan = (name: string): boolean => {
    const id = pattern.exec(name)?.[1]
    return id !== undefined && !runs.has(id)
  }
  await removeNamespaces(listFolder('/run/netns').filter(isOrphan))
}

// Between making its folder and naming its owner a run looks dead.
const isOld = (id: string): boolean => {
  const info = statSync(join(runsFolder, id), { throwIfNoEntry: false })
  return info !== undefined && Date.now() - info.ctimeMs > 5_000
}

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

const untilGone = async (record: { pid: number; startTime: number }): Promise<void> => {
  const deadlineMs = performance.now() + 10_000
  while (isAlive(record) && performance.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 20))
}

const listFolder = (path: string): string[] => {
  try {
    return readdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

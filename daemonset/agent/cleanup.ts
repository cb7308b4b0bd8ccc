import { rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '#runtime/logging.ts'
import { cleanupOperations } from '../desired/cleanup-operations.ts'
import { runCommand } from '../kernel/command.ts'
import type { NodeKernel } from '../kernel/node-kernel.ts'
import { applyAll } from './apply.ts'
import { STATE_FILE } from './state-file.ts'

export type CleanupOptions = { kernel: NodeKernel; stateDir: string; bpfDir: string; logger: Logger }

/** Files first; the folder stays where it is a mount, or holds what is not ours. */
const removeState = (stateDir: string): void => {
  for (const name of ['owned.json', STATE_FILE])
    for (const suffix of ['', '.new']) rmSync(join(stateDir, `${name}${suffix}`), { force: true })
  try {
    rmdirSync(stateDir)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EBUSY' && code !== 'ENOTEMPTY' && code !== 'ENOENT' && code !== 'EROFS') throw error
  }
}

/**
 * Removes all that the agent made on this node, and only that; again does no harm. False: some of it is still there (it is named in
 * the log), and so is the record of it.
 */
export const cleanup = async ({ kernel, stateDir, bpfDir, logger }: CleanupOptions): Promise<boolean> => {
  const { operations, kept } = cleanupOperations(await kernel.observeHost())
  const failures = await applyAll(kernel, operations, logger)
  for (const device of kept)
    logger.warn({ device }, 'this bridge is ours, but has ports of others: it is left; remove it with `ip link delete`')
  kernel.close()
  if (failures.length > 0) return false
  kernel.links.removeAll()
  const { bpffs } = kernel.ledger.owned
  if (bpffs) await runCommand(['umount', bpfDir], { tolerant: true })
  kernel.sets.removeAll()
  removeState(stateDir)
  logger.info({ operations: operations.length }, 'the node is as it was before the agent came')
  return true
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Clock } from '#runtime/clock.ts'
import type { Logger } from '#runtime/logging.ts'

export type LinkMonitorOptions = { onChange: () => void; clock: Clock; logger: Logger }

const RESTART_MS = 1_000

const MONITORS = [
  ['ip', '-oneline', 'monitor', 'link', 'address'],
  // Filters that are taken off by others. Links at tcx hooks make no event: they are looked at in each pass.
  ['tc', 'monitor'],
] as const

const watchOnce = async (
  [program, ...args]: readonly [string, ...string[]],
  { onChange, logger }: LinkMonitorOptions,
  signal: AbortSignal,
): Promise<void> => {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  child.stdout.on('data', onChange)
  const kill = (): void => void child.kill()
  signal.addEventListener('abort', kill, { once: true })
  await once(child, 'close').catch((error: unknown) => {
    logger.warn({ err: error }, `${program} monitor does not run: changes are seen at the next resync only`)
  })
  signal.removeEventListener('abort', kill)
}

/** Tells of every change of an interface, address or filter, until the signal aborts; a monitor that ends is started again. */
export const monitorLinks = async (options: LinkMonitorOptions, signal: AbortSignal): Promise<void> => {
  const keepWatching = async (argv: readonly [string, ...string[]]): Promise<void> => {
    while (!signal.aborted) {
      await watchOnce(argv, options, signal)
      if (signal.aborted) return
      // What happened while nobody watched is found by looking.
      options.onChange()
      await options.clock.sleep(RESTART_MS, signal).catch(() => {})
    }
  }
  await Promise.all(MONITORS.map(keepWatching))
}

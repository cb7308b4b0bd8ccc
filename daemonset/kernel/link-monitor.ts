import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Clock } from '#runtime/clock.ts'
import type { Logger } from '#runtime/logging.ts'

export type LinkMonitorOptions = { onChange: () => void; clock: Clock; logger: Logger }

const RESTART_MS = 1_000

/** Tells of every change of an interface or address, by `ip monitor`, until the signal aborts; a monitor that ends is started again. */
export const monitorLinks = async (
  { onChange, clock, logger }: LinkMonitorOptions,
  signal: AbortSignal,
): Promise<void> => {
  while (!signal.aborted) {
    const child = spawn('ip', ['-oneline', 'monitor', 'link', 'address'], { stdio: ['ignore', 'pipe', 'ignore'] })
    child.stdout.on('data', onChange)
    const ended = once(child, 'close').catch((error: unknown) => {
      logger.warn(
        { err: error },
        'ip monitor cannot be started: changes of interfaces are seen at the next resync only',
      )
    })
    const stop = (): void => void child.kill()
    signal.addEventListener('abort', stop, { once: true })
    await ended
    signal.removeEventListener('abort', stop)
    if (signal.aborted) return
    // What happened while nobody watched is found by looking.
    onChange()
    await clock.sleep(RESTART_MS, signal).catch(() => {})
  }
}

import type { Clock, Timer } from './clock.ts'

/**
 * Barks when it was not fed for `limitMs`. It looks at the time of the last feeding only when it fires, so that a busy watch does not make a timer per
 * event.
 */
export const startWatchdog = (clock: Clock, limitMs: number, bark: () => void): { feed(): void; stop(): void } => {
  let fedMs = clock.monotonicMs()
  let timer: Timer
  const check = (): void => {
    const restMs = fedMs + limitMs - clock.monotonicMs()
    if (restMs <= 0) bark()
    else timer = clock.setTimeout(check, restMs)
  }
  timer = clock.setTimeout(check, limitMs)
  return {
    feed: () => {
      fedMs = clock.monotonicMs()
    },
    stop: () => timer.cancel(),
  }
}

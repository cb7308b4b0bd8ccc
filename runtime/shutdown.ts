import type { Logger } from './logging.ts'

type SignalSource = {
  on(name: NodeJS.Signals, listener: (name: NodeJS.Signals) => void): unknown
  exit(code: number): never
}

const exitCodes: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 130, SIGTERM: 143 }

/**
 * The signal that ends the whole process: aborts on SIGTERM or SIGINT; a second one exits at once, with the code that the shell would
 * show. Call it once, in `main`.
 */
export const shutdownSignal = ({
  logger,
  source = process,
}: {
  logger: Logger
  source?: SignalSource
}): AbortSignal => {
  const controller = new AbortController()
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) {
      logger.warn({ reason: name }, 'told to stop again; exiting without waiting')
      source.exit(exitCodes[name] ?? 1)
    }
    logger.info({ reason: name }, 'stopping')
    controller.abort(new Error(`stopped by ${name}`))
  }
  source.on('SIGTERM', onSignal)
  source.on('SIGINT', onSignal)
  return controller.signal
}

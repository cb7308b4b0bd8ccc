import type { Logger } from '#runtime/logging.ts'
import type { Failure } from '../desired/node-status.ts'
import { describeOperation, type Operation } from '../desired/operation.ts'
import { KernelError } from '../kernel/command.ts'
import type { Kernel } from '../kernel/node-kernel.ts'

/** A failed step, with the line that names it. */
export type FailedStep = Failure & { readonly step: string }

const failureOf = (operation: Operation, error: unknown): FailedStep => {
  const reason = error instanceof KernelError ? error.reason : 'OperationFailed'
  const message = error instanceof Error ? error.message : String(error)
  const { subject, type } = operation
  return { type, step: describeOperation(operation), problem: { subject, reason, message } }
}

/** Carries out all steps in order. One that fails does not stop the rest. */
export const applyAll = async (
  kernel: Pick<Kernel, 'apply'>,
  operations: readonly Operation[],
  logger: Logger,
): Promise<FailedStep[]> => {
  const failures: FailedStep[] = []
  for (const operation of operations) {
    try {
      await kernel.apply(operation)
      logger.debug({ operation: describeOperation(operation) }, 'applied')
    } catch (error) {
      const failure = failureOf(operation, error)
      failures.push(failure)
      logger.warn({ operation: failure.step, err: error }, 'an operation failed; the others go on')
    }
  }
  return failures
}

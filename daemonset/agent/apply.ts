import type { Logger } from '#runtime/logging.ts'
import { type Failure, HELD_BACK } from '../desired/node-status.ts'
import { describeOperation, type Operation, stepOf } from '../desired/operation.ts'
import { KernelError } from '../kernel/command.ts'
import type { Kernel } from '../kernel/node-kernel.ts'

/** A failed step, with the line that names it. */
export type FailedStep = Failure & { readonly step: string }

const nameOf = (operation: Operation): { name?: string } => {
  const name = stepOf(operation)
  return name === undefined ? {} : { name }
}

const failureOf = (operation: Operation, error: unknown): FailedStep => {
  const reason = error instanceof KernelError ? error.reason : 'OperationFailed'
  const message = error instanceof Error ? error.message : String(error)
  const { subject, type } = operation
  return { type, ...nameOf(operation), step: describeOperation(operation), problem: { subject, reason, message } }
}

/** A step that was not tried, since one failed that it needs. */
const heldBack = (operation: Operation, need: string): FailedStep => {
  const step = describeOperation(operation)
  const message = `${step}: not done, since a step that it needs failed: ${need}`
  return {
    type: operation.type,
    ...nameOf(operation),
    step,
    problem: { subject: operation.subject, reason: HELD_BACK, message },
  }
}

/**
 * Carries out all steps in order. One that fails does not stop the rest, but those that need it; `before`: what failed in earlier rounds.
 */
export const applyAll = async (
  kernel: Pick<Kernel, 'apply'>,
  operations: readonly Operation[],
  logger: Pick<Logger, 'debug' | 'warn'>,
  before: readonly FailedStep[] = [],
): Promise<FailedStep[]> => {
  const failures: FailedStep[] = []
  const failed = new Set(before.flatMap(({ name }) => name ?? []))
  for (const operation of operations) {
    const need = operation.needs?.find((name) => failed.has(name))
    if (need !== undefined) {
      const failure = heldBack(operation, need)
      failures.push(failure)
      if (failure.name) failed.add(failure.name)
      continue
    }
    try {
      await kernel.apply(operation)
      logger.debug({ operation: describeOperation(operation) }, 'applied')
    } catch (error) {
      const failure = failureOf(operation, error)
      failures.push(failure)
      if (failure.name) failed.add(failure.name)
      logger.warn({ operation: failure.step, err: error }, 'an operation failed; the others go on')
    }
  }
  return failures
}

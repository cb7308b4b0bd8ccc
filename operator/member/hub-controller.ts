import { exponentialBackoff } from '#runtime/backoff.ts'
import { Controller, type ControllerOptions } from '#runtime/controller.ts'
import type { MemberDeps } from './deps.ts'

/** A hub that was away for long is used again within half a minute. */
const backoff = exponentialBackoff({ baseMs: 20, maxMs: 30_000 })

/** A controller that reads or writes the mailbox: it works while the mailbox is this cluster's. */
export const hubController = (
  { gate, logger, metrics, clock }: Pick<MemberDeps, 'gate' | 'logger' | 'metrics' | 'clock'>,
  { name, sources, reconcile }: Pick<ControllerOptions, 'name' | 'sources' | 'reconcile'>,
): Controller =>
  new Controller({
    name,
    logger,
    metrics,
    clock,
    backoff,
    sources: [gate.source(), ...sources],
    reconcile: gate.guard(reconcile),
  })

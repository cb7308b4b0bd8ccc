import { exponentialBackoff } from '#runtime/backoff.ts'
import { Controller, type ControllerOptions } from '#runtime/controller.ts'
import type { MemberDeps } from './deps.ts'
import type { View } from './hub-gate.ts'

/** A hub that was away for long is used again within half a minute. */
const backoff = exponentialBackoff({ baseMs: 20, maxMs: 30_000 })

/** `views`: what it reads of the mailbox. */
type HubControllerOptions = Pick<ControllerOptions, 'name' | 'sources' | 'reconcile'> & { views?: View[] }

/** A controller that reads or writes the mailbox: it works while the mailbox is this cluster's. */
export const hubController = (
  { gate, logger, metrics, clock }: Pick<MemberDeps, 'gate' | 'logger' | 'metrics' | 'clock'>,
  { name, sources, reconcile, views = [] }: HubControllerOptions,
): Controller =>
  new Controller({
    name,
    logger,
    metrics,
    clock,
    backoff,
    sources: [gate.source(), ...sources],
    reconcile: gate.guard(reconcile, views),
  })

import type { AdvanceOutput } from '#operator/publish/advance.ts'
import { isInKernel, type ProgrammedSpec } from '#operator/publish/situation.ts'
import type { BridgeReport } from './bridge-reports.ts'

const isSame = (left: ProgrammedSpec, right: ProgrammedSpec | undefined): boolean =>
  left.epoch === right?.epoch && left.serial === right.serial

/**
 * A new leader writes every spec anew under its epoch, and nothing may rest on one before its node has answered. But a node that has the same content
 * in its kernel already carries the network, and its status says so.
 */
export class Renewals {
  readonly #known = new Map<string, { spec: ProgrammedSpec; held: ProgrammedSpec }>()

  /** `reports`: what the decision was made of. */
  note(reports: readonly BridgeReport[], { next, renewed }: AdvanceOutput): void {
    for (const { bridge, spec, programmed } of reports) {
      const { epoch = 0, serial = 0 } = next.get(bridge) ?? {}
      if (renewed.has(bridge) && programmed && isInKernel(spec, programmed))
        this.#known.set(bridge, { spec: { epoch, serial }, held: programmed })
      else if (next.has(bridge)) this.#known.delete(bridge)
    }
  }

  /** Whether the node has all that its spec asks for, though under other numbers. */
  isCarriedOut({ bridge, spec, programmed }: BridgeReport): boolean {
    const known = this.#known.get(bridge)
    if (!known || !isSame(known.held, programmed)) return false
    return isInKernel(spec, programmed) || isInKernel(spec, known.spec)
  }

  retain(bridges: ReadonlySet<string>): void {
    for (const bridge of this.#known.keys()) if (!bridges.has(bridge)) this.#known.delete(bridge)
  }
}

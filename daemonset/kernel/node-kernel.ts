import type { Interface, ObservedState } from '../desired/observed-state.ts'
import type { Operation, OperationOf, OperationType } from '../desired/operation.ts'
import { configureBridge, createBridge, deleteOwnedDevice, isolatePort } from './bridge-device.ts'
import { lowerDevice, raiseDevice } from './device-state.ts'
import { attachProgram, detachProgram, readFilters } from './filters.ts'
import { readFirewall } from './firewall.ts'
import { readInterfaces } from './interfaces.ts'
import { Ledger } from './ledger.ts'
import { readNotrack, removeNotrack, setNotrack } from './notrack.ts'
import { PinnedTables } from './pinned-tables.ts'
import { ProgramSets } from './program-sets.ts'
import { TcxLinks } from './tcx-links.ts'
import { configureTunnel, createTunnel } from './tunnel-device.ts'

/** The door to the host: one reading of everything, and one operation at a time. */
export interface Kernel {
  observe(): Promise<ObservedState>
  /** The part of it that is known on any kernel. */
  interfaces(): Promise<readonly Interface[]>
  /** Rejects when the kernel refuses; what was done until then stays recorded. */
  apply(operation: Operation): Promise<void>
}

export type NodeKernelOptions = {
  bpfDir: string
  stateDir: string
  objectPath: string
  /** Milliseconds since the epoch, now. */
  nowMs: number
  /** Whether the host's packet filter is of interest. */
  readsFirewall?: boolean
  /** Whether to attach programs by tcx where the kernel has it; else by tc, as on older kernels. */
  usesTcx?: boolean
}

type Handlers = { [T in OperationType]: (operation: OperationOf<T>) => Promise<void> | void }

/** The kernel of the namespace that the process runs in. */
export class NodeKernel implements Kernel {
  readonly sets: ProgramSets
  readonly ledger: Ledger
  readonly links: TcxLinks
  readonly #tables: PinnedTables
  readonly #handlers: Handlers
  readonly #readsFirewall: boolean

  constructor({ bpfDir, stateDir, objectPath, nowMs, readsFirewall = false, usesTcx }: NodeKernelOptions) {
    this.#readsFirewall = readsFirewall
    this.sets = new ProgramSets({ bpfDir, objectPath })
    this.ledger = new Ledger(stateDir)
    this.links = new TcxLinks(bpfDir, usesTcx)
    this.#tables = new PinnedTables(this.sets.mapsFolder, Math.floor(nowMs / 1000) % 2 ** 31)
    this.#handlers = this.#makeHandlers()
  }

  interfaces(): Promise<readonly Interface[]> {
    return readInterfaces()
  }

  async observe(): Promise<ObservedState> {
    return { ...(await this.observeHost()), tables: this.#tables.read(this.sets.hasMaps) }
  }

  /** All but the contents of the maps, which another version may have laid out. */
  async observeHost(): Promise<Omit<ObservedState, 'tables'>> {
    const interfaces = await readInterfaces()
    this.ledger.prune(interfaces)
    this.links.prune(new Set(interfaces.map(({ ifindex }) => ifindex)))
    const { owned } = this.ledger
    const [filters, notrack, firewall] = await Promise.all([
      readFilters({ sets: this.sets, links: this.links, owned, interfaces }),
      readNotrack(),
      this.#readsFirewall ? readFirewall() : { rules: [] },
    ])
    return {
      interfaces,
      filters,
      programs: this.sets.current(),
      oldPrograms: this.sets.old(),
      notrack,
      firewall,
      owned,
    }
  }

  async apply(operation: Operation): Promise<void> {
    await (this.#handlers[operation.type] as (it: Operation) => Promise<void> | void)(operation)
  }

  close(): void {
    this.#tables.close()
  }

  #makeHandlers(): Handlers {
    const { ledger, links, sets } = this
    const filters = async (device: string) =>
      readFilters({ sets, links, owned: ledger.owned, interfaces: await readInterfaces() }, [device])
    return {
      LoadPrograms: async () => {
        // The maps may be new ones: the open handles would lead to the old.
        this.#tables.close()
        await sets.load()
      },
      RemovePrograms: ({ programs }) => sets.remove(programs),
      CreateTunnel: (it) => createTunnel(ledger, it),
      ConfigureTunnel: (it) => configureTunnel(it),
      CreateBridge: (it) => createBridge(ledger, it),
      AdoptDevice: ({ device, ifindex }) => ledger.record('devices', device, ifindex),
      ConfigureBridge: (it) => configureBridge(it),
      RaiseDevice: async ({ device, programs }) => raiseDevice(device, programs, await filters(device)),
      LowerDevice: ({ device }) => lowerDevice(device),
      DeleteDevice: ({ device }) => deleteOwnedDevice(ledger, device),
      IsolatePort: ({ device }) => isolatePort(device),
      AttachProgram: ({ device, direction, program, programs }) =>
        attachProgram({ ledger, links }, { device, direction, pin: sets.pinOf(programs, program) }),
      DetachProgram: ({ device, direction }) => detachProgram({ ledger, links }, device, direction),
      SetNotrack: ({ udpPort }) => setNotrack(ledger, udpPort),
      RemoveNotrack: () => removeNotrack(ledger),
      PutEntry: ({ table, entry }) => this.#tables.put(table, entry),
      DeleteEntry: ({ table, entry }) => this.#tables.delete(table, entry),
    }
  }
}

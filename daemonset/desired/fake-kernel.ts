// A kernel in memory, for tests: it refuses what the kernel refuses. One conformance suite holds it to the real one.
import { emptyOwned, type Filter, filterKey, type Interface, type ObservedState, type Owned } from './observed-state.ts'
import type { Operation, OperationOf } from './operation.ts'
import { type Entry, emptyTables, type TableName, type Tables, textOf } from './tables.ts'

type Writable<T> = { -readonly [K in keyof T]: T[K] }
type Contents = { [N in TableName]: Map<string, Entry> }

const bare = { mac: '', peerNamespace: false, isIsolated: false, addresses: [], isUp: false } as const

export class FakeKernel {
  #interfaces = new Map<string, Writable<Interface>>()
  #filters = new Map<string, { filter: Filter; programs: string | undefined }>()
  #programs = new Set<string>()
  #current: string | undefined
  #notrack: number | undefined
  #tables = emptyTables() as unknown as Contents
  #owned: Writable<Owned> = { ...emptyOwned }
  #nextIfindex = 2

  /** Adds an interface that the agent did not make. */
  add(link: Partial<Interface> & { name: string }): Interface {
    if (this.#interfaces.has(link.name)) throw new Error(`adding ${link.name}: File exists`)
    const made = { ...bare, kind: '', mtuBytes: 1500, ...link, ifindex: this.#nextIfindex++ }
    this.#interfaces.set(link.name, made)
    return made
  }

  /** Attaches somebody else's filter at our place. */
  addForeignFilter(device: string, direction: Filter['direction']): void {
    const filter = { device, direction, program: undefined, isCurrent: false }
    this.#filters.set(filterKey(device, direction), { filter, programs: undefined })
  }

  /** The record is lost. */
  forget(): void {
    this.#owned = { ...emptyOwned }
  }

  remove(name: string): void {
    this.#interfaces.delete(name)
    for (const link of this.#interfaces.values()) if (link.master === name) delete link.master
    for (const [key, { filter }] of this.#filters) if (filter.device === name) this.#filters.delete(key)
  }

  observe(): ObservedState {
    return {
      interfaces: [...this.#interfaces.values()].map((link) => ({ ...link })),
      filters: [...this.#filters.values()].map(({ filter, programs }) => ({
        ...filter,
        ...(programs === undefined ? {} : { programs }),
        isCurrent: filter.program !== undefined && programs === this.#current,
      })),
      programs: this.#current,
      oldPrograms: [...this.#programs].filter((programs) => programs !== this.#current),
      notrack: this.#notrack,
      firewall: { rules: [] },
      tables: Object.fromEntries(
        Object.entries(this.#tables).map(([name, table]) => [name, new Map(table)]),
      ) as unknown as Tables,
      owned: { ...this.#owned },
    }
  }

  apply(operation: Operation): void {
    const handler = this.#handlers[operation.type] as (it: Operation) => void
    handler(operation)
  }

  readonly #handlers: { [T in Operation['type']]: (operation: OperationOf<T>) => void } = {
    LoadPrograms: ({ programs }) => {
      this.#programs.add(programs)
      this.#current = programs
    },
    RemovePrograms: ({ programs }) => this.#programs.delete(programs),
    CreateTunnel: ({ device, vxlan, mtuBytes }) => {
      this.#make({ name: device, kind: 'vxlan', alias: 'vnet tunnel', mtuBytes, ipv6Disabled: true, vxlan })
    },
    ConfigureTunnel: ({ device, mtuBytes }) => Object.assign(this.#existing(device), { mtuBytes, ipv6Disabled: true }),
    CreateBridge: ({ device, mtuBytes, network }) =>
      this.#make({ name: device, kind: 'bridge', alias: `vnet ${network}`, mtuBytes, stp: false, ipv6Disabled: true }),
    AdoptDevice: ({ device, ifindex }) => {
      this.#owned.devices = { ...this.#owned.devices, [device]: ifindex }
    },
    ConfigureBridge: ({ device, mtuBytes }) =>
      Object.assign(this.#existing(device), { mtuBytes, stp: false, ipv6Disabled: true }),
    RaiseDevice: ({ device, programs }) => {
      for (const { direction, program } of programs)
        if (this.#filters.get(filterKey(device, direction))?.filter.program !== program)
          throw new Error(`raising ${device}: ${program} is not at its ${direction}`)
      this.#existing(device).isUp = true
    },
    LowerDevice: ({ device }) => {
      const found = this.#interfaces.get(device)
      if (found) found.isUp = false
    },
    DeleteDevice: ({ device }) => {
      this.remove(device)
      const { [device]: _, ...devices } = this.#owned.devices
      this.#owned.devices = devices
    },
    IsolatePort: ({ device }) => Object.assign(this.#existing(device), { isIsolated: true }),
    AttachProgram: ({ device, direction, program, programs }) => {
      const { ifindex } = this.#existing(device)
      if (!this.#programs.has(programs)) throw new Error(`attaching ${program}: program set ${programs} is not loaded`)
      const key = filterKey(device, direction)
      this.#filters.set(key, { filter: { device, direction, program, isCurrent: true }, programs })
      this.#owned.filters = { ...this.#owned.filters, [key]: ifindex }
      if (this.#owned.qdiscs[device] === undefined) this.#owned.qdiscs = { ...this.#owned.qdiscs, [device]: ifindex }
    },
    DetachProgram: ({ device, direction }) => {
      this.#filters.delete(filterKey(device, direction))
      const { [filterKey(device, direction)]: _, ...filters } = this.#owned.filters
      this.#owned.filters = filters
    },
    SetNotrack: ({ udpPort }) => {
      this.#notrack = udpPort
      this.#owned.notrack = true
    },
    RemoveNotrack: () => {
      this.#notrack = undefined
      this.#owned.notrack = false
    },
    PutEntry: ({ table, entry }) => this.#table(table).set(textOf(entry.key), entry),
    DeleteEntry: ({ table, entry }) => this.#table(table).delete(textOf(entry.key)),
  }

  #make(link: Partial<Interface> & { name: string }): void {
    const { ifindex } = this.add(link)
    this.#owned.devices = { ...this.#owned.devices, [link.name]: ifindex }
  }

  #existing(name: string): Writable<Interface> {
    const found = this.#interfaces.get(name)
    if (!found) throw new Error(`Cannot find device "${name}"`)
    return found
  }

  #table(name: TableName): Map<string, Entry> {
    if (!this.#current) throw new Error(`writing ${name}: no programs are loaded, so there is no map`)
    return this.#tables[name]
  }
}

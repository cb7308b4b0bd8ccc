/** eBPF for the node agent: maps, programs and ring buffers through the addon in C (`make native`). */
import { addon } from './addon.ts'

export { addonPath } from './addon.ts'
export { type BpfMap, createMap, type MapShape, NO_PREALLOC, openMap, type UpdateMode } from './bpf-map.ts'
export { type BpfProgram, openProgram, type TestRunInput, type TestRunOutput } from './bpf-program.ts'
export type { MapType, ProgramType } from './object-type.ts'
export { openRingBuffer, type RingBuffer } from './ring-buffer.ts'
export { attachTcx, detachTcx, hasTcx, readTcxLink, type TcxLink, tcxPrograms, updateTcx } from './tcx.ts'

/** How many CPUs this kernel can ever have: the number of values in each element of a per-CPU map. */
export const possibleCpus = (): number => addon().possibleCpus()

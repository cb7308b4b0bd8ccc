import { addon, type Handle, type RawProgram } from './addon.ts'
import { type ProgramType, programTypeName } from './object-type.ts'

export type TestRunInput = {
  /** The frame, from its Ethernet header; at least 14 bytes for tc and XDP programs, at most 1 MiB. */
  data: Uint8Array
  /** The context to start with, `struct __sk_buff` for tc programs; fields that the kernel does not take must be zero. */
  context?: Uint8Array
  /** Runs, 1 by default; the frame of a run is what the one before it left. */
  repeat?: number
}

export type TestRunOutput = {
  /** What the program returned, as an unsigned 32-bit number (TC_ACT_UNSPEC, -1, is 0xffffffff). */
  returnValue: number
  /** The frame afterwards. */
  data: Uint8Array
  /** The context afterwards: always for programs on a `__sk_buff`, for others where one was passed in. */
  context: Uint8Array | undefined
  /** Mean of one run. */
  durationNs: number
}

/** A loaded eBPF program. Failures are Errors with `code`, `errno` and `syscall: 'bpf'`; after `close()` EBADF. */
export class BpfProgram {
  readonly type: ProgramType | `type-${number}`
  readonly id: number
  /** 16 hex digits: a hash of the instructions, equal for equal programs. */
  readonly tag: string
  /** At most 15 characters of the function's name. */
  readonly name: string
  /** For the addon only. */
  readonly handle: Handle

  constructor(raw: RawProgram) {
    this.type = programTypeName(raw.type)
    this.id = raw.id
    this.tag = raw.tag
    this.name = raw.name
    this.handle = raw.handle
  }

  /**
   * Runs the program on a frame (BPF_PROG_TEST_RUN). Maps and helpers are real; the frame goes to no device.
   * Blocks the event loop for all the runs. Throws EINVAL where the kernel does not take the frame or the context, and
   * ENOSPC where the program made the frame more than 64 KiB longer.
   */
  testRun({ data, context, repeat = 1 }: TestRunInput): TestRunOutput {
    return addon().testRun(this.handle, data, context, repeat)
  }

  /** Closes the descriptor; the program lives on while it is pinned or attached. A second close does nothing. */
  close(): void {
    addon().close(this.handle)
  }
}

/** Opens the program pinned at `pinPath`. Throws ENOENT where nothing is pinned, EINVAL where something else is. */
export const openProgram = (pinPath: string): BpfProgram => new BpfProgram(addon().openProgram(pinPath))

import { parseArgs } from 'node:util'

/** How the benchmark was asked to run. */
export type Options = {
  readonly rounds: number
  /** Only cases whose name contains one of these. */
  readonly only: readonly string[]
  readonly paths: readonly VnetPath[]
  /** A check that everything works: shorter and fewer measurements, whose figures say little. */
  readonly quick: boolean
  /** Also other overlays (their Debian packages must be installed). */
  readonly peers: boolean
  /** Also how long each program runs. */
  readonly programs: boolean
  /** Goes on with the rounds of the run before. */
  readonly more: boolean
  /** Also how cost grows with VMs, networks, MACs and flows. */
  readonly flatness: boolean
}

export type VnetPath = 'slow' | 'fast'

export const USAGE = `make bench-dataplane ARGS="[--rounds N] [--path slow|fast|both] [--only PART[,PART]] [--quick] [--peers] [--flatness] [--programs] [--more]"
  --rounds N   alternating rounds, 5 by default; 9 or more for figures that are to be quoted
  --path       which of our data paths; both by default
  --only PART  only cases whose name contains PART (a baseline that is left out leaves its ratios out); none: no case
  --quick      2 rounds of short measurements: does everything work?
  --peers      also Open vSwitch (user-space data path), fastd, tinc, n2n and OpenVPN, from Debian's packages
  --flatness   also how our cost grows with VMs, networks, MAC addresses and flows
  --programs   also how long each eBPF program runs for a frame
  --more       adds rounds and cases to those of the run before, so that a long benchmark can be run in pieces`

const roundsOf = (text: string | undefined, quick: boolean): number => {
  const rounds = Number(text ?? (quick ? 2 : 5))
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds is '${text}': give a whole number of at least 1`)
  return rounds
}

const pathsOf = (text: string): VnetPath[] => {
  if (text === 'both') return ['slow', 'fast']
  if (text === 'slow' || text === 'fast') return [text]
  throw new Error(`--path is '${text}': give slow, fast or both`)
}

/** Reads the command line; a bad one throws with what to write instead. */
export const parseOptions = (args: readonly string[]): Options => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      only: { type: 'string', default: '' },
      path: { type: 'string', default: 'both' },
      quick: { type: 'boolean', default: false },
      peers: { type: 'boolean', default: false },
      flatness: { type: 'boolean', default: false },
      programs: { type: 'boolean', default: false },
      more: { type: 'boolean', default: false },
    },
  })
  return {
    rounds: roundsOf(values.rounds, values.quick),
    only: values.only.split(',').filter(Boolean),
    paths: pathsOf(values.path),
    quick: values.quick,
    peers: values.peers,
    flatness: values.flatness,
    programs: values.programs,
    more: values.more,
  }
}

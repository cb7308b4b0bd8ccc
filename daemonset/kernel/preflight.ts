import { mkdirSync, statfsSync } from 'node:fs'
import type { BridgeProblem } from '#crds/node-bridge.ts'
import { KernelError, runCommand } from './command.ts'
import type { Ledger } from './ledger.ts'

const BPF_FS_MAGIC = 0xcafe4a11

type Check = { subject: string; reason: string; hint: string; probe: () => Promise<void> }

/** Tries in a network namespace that ends with the command, so that the host does not notice. */
const tryIt = (script: string) => async (): Promise<void> => {
  await runCommand(['unshare', '--net', 'sh', '-c', script])
}

const isOnBpffs = (folder: string): boolean => statfsSync(folder).type === BPF_FS_MAGIC

/** Pins live as long as the file system that holds them: without a bpffs at `folder` one is mounted there, and recorded as ours. */
const ensureBpffs = async (folder: string, ledger: Ledger): Promise<void> => {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw new KernelError(`making ${folder}`, (error as Error).message, { cause: error })
  }
  if (isOnBpffs(folder)) return
  ledger.recordFlag('bpffs', true)
  await runCommand(['mount', '-t', 'bpf', 'vnet', folder])
}

const requireRoot = async (): Promise<void> => {
  if (process.getuid?.() !== 0) throw new KernelError('starting', `the user is ${process.getuid?.()}, not root`)
}

const checks = (bpfDir: string, ledger: Ledger): Check[] => [
  {
    subject: 'privileges',
    reason: 'NotRoot',
    hint: 'run the agent as root in a privileged container',
    probe: requireRoot,
  },
  {
    subject: 'privileges',
    reason: 'NotPrivileged',
    hint: 'the agent needs CAP_SYS_ADMIN and CAP_NET_ADMIN, and iproute2 and util-linux in its image',
    probe: tryIt('ip link show > /dev/null'),
  },
  {
    subject: 'bridge',
    reason: 'NoBridge',
    hint: 'the kernel needs CONFIG_BRIDGE',
    probe: tryIt('ip link add name probe type bridge'),
  },
  {
    subject: 'VXLAN',
    reason: 'NoVXLAN',
    hint: 'the kernel needs CONFIG_VXLAN, 4.3 or newer',
    probe: tryIt('ip link add name probe type vxlan external gbp dstport 14789'),
  },
  {
    subject: 'clsact',
    reason: 'NoClsact',
    hint: 'the kernel needs CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_ACT',
    probe: tryIt('tc qdisc add dev lo clsact'),
  },
  {
    subject: 'cls_bpf',
    reason: 'NoClsBPF',
    hint: 'the kernel needs CONFIG_NET_CLS_BPF',
    probe: tryIt('tc qdisc add dev lo clsact && tc filter add dev lo ingress bpf bytecode "1,6 0 0 0,"'),
  },
  {
    subject: bpfDir,
    reason: 'NoBPFFS',
    hint: 'mount one: `mount -t bpf bpf /sys/fs/bpf`',
    probe: () => ensureBpffs(bpfDir, ledger),
  },
]

const problemOf = async ({ subject, reason, hint, probe }: Check): Promise<BridgeProblem[]> => {
  try {
    await probe()
    return []
  } catch (error) {
    const said = error instanceof KernelError ? error.output : String(error)
    return [{ subject, reason, message: `${subject}: ${said}; ${hint}` }]
  }
}

/** What this node lacks, by name; empty: the agent can work. Nothing of the host is changed, but that a bpffs is mounted if none is. */
export const preflight = async (bpfDir: string, ledger: Ledger): Promise<BridgeProblem[]> => {
  const problems: BridgeProblem[] = []
  for (const check of checks(bpfDir, ledger)) {
    problems.push(...(await problemOf(check)))
    // Without privileges everything else fails as well, and would only hide the cause.
    if (problems[0]?.subject === 'privileges') break
  }
  return problems
}

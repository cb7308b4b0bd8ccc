// Tests that program a kernel run in network and mount namespaces of their own, which end with them: nothing can be left behind.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

const MARK = 'VNET_TEST_NAMESPACE'

/** Runs a program and gives back its output; throws when it fails. */
export const run = (...argv: [string, ...string[]]): string => {
  const [program, ...args] = argv
  return execFileSync(program, args, { encoding: 'utf8', timeout: 60_000, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** A line of words: `ip('link add name eth0 type dummy')`. */
export const ip = (line: string): string => run('ip', ...line.split(' '))
export const tc = (line: string): string => run('tc', ...line.split(' '))

/** The eBPF object that `make -C daemonset/bpf` builds. */
export const objectPath = join(import.meta.dirname, '../../build/bpf/vnet.bpf.o')

/** Where the private bpffs is. */
export const BPFFS = '/run/bpf'

/**
 * Runs the test file `file` again inside new namespaces, with a private /run, named namespaces of its own and a bpffs; in the outer
 * process this never returns. Needs root.
 */
export const enterTestNamespace = (file: string): void => {
  if (process.env[MARK] !== '1') {
    const argv = ['--net', '--mount', '--propagation', 'private', process.execPath, ...process.execArgv, file]
    const { status } = spawnSync('unshare', argv, { stdio: 'inherit', env: { ...process.env, [MARK]: '1' } })
    process.exit(status ?? 1)
  }
  run('mount', '-t', 'tmpfs', 'vnet-test', '/run')
  for (const folder of ['/run/netns', BPFFS]) mkdirSync(folder)
  run('mount', '-t', 'bpf', 'bpf', BPFFS)
  ip('link set dev lo up')
}

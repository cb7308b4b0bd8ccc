import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** A bpffs of its own, for one test file. */
export type Bpffs = { path: string; close(): void }

/** Children run without the sanitizer that `make asan` preloads into Node. */
const run = (command: string, ...args: string[]): void => {
  const { LD_PRELOAD: _, ...env } = process.env
  execFileSync(command, args, { env, stdio: ['ignore', 'ignore', 'inherit'], timeout: 60_000 })
}

/** Mounts a bpffs under /run, where `ip netns exec` does not hide it. Needs root, and fails loudly without. */
export const mountBpffs = (): Bpffs => {
  const folder = mkdtempSync('/run/vnt-')
  const path = join(folder, 'bpf')
  mkdirSync(path)
  const close = (): void => {
    run('umount', path)
    rmSync(folder, { recursive: true })
  }
  try {
    run('mount', '-t', 'bpf', 'bpf', path)
  } catch (cause) {
    rmSync(folder, { recursive: true })
    throw new Error(`Mounting a bpffs at '${path}' failed: these tests need root and a kernel with eBPF`, { cause })
  }
  // A test that throws while it is set up never reaches its own clean-up.
  process.once('exit', close)
  return {
    path,
    close: () => {
      process.removeListener('exit', close)
      close()
    },
  }
}

/**
 * Compiles test-programs.bpf.c and pins its programs and maps under their names in the folder that it returns. Not in the
 * mount point itself: there bpftool looks at the folder above, and mounts a bpffs over it.
 */
export const loadTestPrograms = (bpffs: Bpffs): string => {
  const pins = join(bpffs.path, 'test')
  const object = join(bpffs.path, '..', 'test-programs.o')
  const source = join(import.meta.dirname, 'test-programs.bpf.c')
  run('clang', '-target', 'bpf', '-O2', '-g', `-I/usr/include/${machine()}-linux-gnu`, '-c', source, '-o', object)
  run('bpftool', 'prog', 'loadall', object, pins, 'pinmaps', pins)
  return pins
}

const machine = (): string => ({ x64: 'x86_64', arm64: 'aarch64' })[process.arch as 'x64' | 'arm64'] ?? process.arch

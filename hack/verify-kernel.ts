// Loads our eBPF objects on another kernel than the host's: a QEMU guest (emulated, so no KVM is needed) with Debian's own kernel,
// whose only process is guest/init.c. `node hack/verify-kernel.ts OBJECT...`; exit code 1 when a program is refused.
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'

const META_PACKAGE = 'linux-image-cloud-amd64'
const LIMIT_MS = 300_000
const MEMORY_MIB = 512

const cache = process.env.VNET_CACHE || join(homedir(), '.cache', 'vnet')
const run = (command: string, args: string[], cwd?: string): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], ...(cwd ? { cwd } : {}) })

/** The kernel package that Debian's meta package stands for now. */
const kernelPackage = (): string => {
  const found = /Depends: (linux-image-\S+)/.exec(run('apt-cache', ['depends', META_PACKAGE]))?.[1]
  if (!found)
    throw new Error(`Looking for the kernel of ${META_PACKAGE}: apt-cache knows no such package; run 'apt-get update'`)
  return found
}

/** Path of the kernel. The package is unpacked, never installed: the host is to boot what it booted before. */
const fetchKernel = (name: string): string => {
  const folder = join(cache, 'guest-kernels', name)
  if (!existsSync(folder)) {
    const work = mkdtempSync(join(tmpdir(), 'vnet-kernel-'))
    run('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', name], work)
    const [file] = readdirSync(work)
    run('dpkg-deb', ['--extract', join(work, file!), join(work, 'root')])
    mkdirSync(folder, { recursive: true })
    const boot = join(work, 'root', 'boot')
    const image = readdirSync(boot).find((it) => it.startsWith('vmlinuz'))!
    copyFileSync(join(boot, image), join(folder, 'vmlinuz.part'))
    renameSync(join(folder, 'vmlinuz.part'), join(folder, 'vmlinuz'))
    rmSync(work, { recursive: true })
  }
  return join(folder, 'vmlinuz')
}

/** An initial RAM disk with the objects and the program that loads them. */
const makeRamDisk = (folder: string, objects: readonly string[]): string => {
  const root = join(folder, 'root')
  mkdirSync(join(root, 'objects'), { recursive: true })
  const source = join(import.meta.dirname, 'guest', 'init.c')
  const libraries = ['-lbpf', '-lelf', '-lz']
  run('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-static', '-o', join(root, 'init'), source, ...libraries])
  chmodSync(join(root, 'init'), 0o755)
  mkdirSync(join(root, 'dev'))
  run('mknod', [join(root, 'dev', 'console'), 'c', '5', '1'])
  for (const object of objects) copyFileSync(object, join(root, 'objects', basename(object)))
  const archive = join(folder, 'ramdisk.cpio')
  run('sh', ['-c', `find . | cpio --quiet -o -H newc > '${archive}'`], root)
  return archive
}

/** Runs the guest to its end, and returns what it printed. */
const runGuest = async (kernel: string, ramDisk: string): Promise<string[]> => {
  const machine = ['-M', 'q35', '-cpu', 'max', '-accel', 'tcg', '-m', String(MEMORY_MIB), '-smp', '1']
  const devices = ['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-serial', 'stdio']
  const append = 'console=ttyS0 panic=-1 quiet mitigations=off nokaslr tsc=reliable random.trust_cpu=on'
  const boot = ['-kernel', kernel, '-initrd', ramDisk, '-append', append]
  const guest = spawn('qemu-system-x86_64', [...machine, ...devices, ...boot], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  })
  const lines: string[] = []
  createInterface({ input: guest.stdout }).on('line', (line) => lines.push(line.trimEnd()))
  const code = await new Promise<number | null>((resolve, reject) =>
    guest.once('error', reject).once('close', (exit) => resolve(exit)),
  )
  if (lines.some((line) => line.endsWith('VERIFY end'))) return lines
  const tail = lines.slice(-20).join('\n')
  throw new Error(
    `The guest did not come to its end (exit code ${code}, limit ${LIMIT_MS / 1000} s). It printed:\n${tail}`,
  )
}

const objects = process.argv.slice(2)
if (objects.length === 0) throw new Error('Name the eBPF objects to load, as build/bpf/vnet.bpf.o')
const work = mkdtempSync(join(tmpdir(), 'vnet-guest-'))
try {
  const lines = await runGuest(fetchKernel(kernelPackage()), makeRamDisk(work, objects))
  const said = lines.slice(
    lines.findIndex((line) => line.includes('VERIFY kernel')),
    lines.findIndex((line) => line.endsWith('VERIFY end')),
  )
  for (const line of said) console.log(line.replace(/^.*?VERIFY /, ''))
  const count = (verdict: string): number => said.filter((line) => line.includes(`VERIFY ${verdict} `)).length
  console.log(`${count('passed')} programs passed, ${count('refused')} refused`)
  if (count('refused') > 0 || count('passed') === 0) process.exitCode = 1
} finally {
  rmSync(work, { recursive: true })
}

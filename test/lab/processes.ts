import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

export type Outcome = { code: number; stdout: string; stderr: string }

export type RunOptions = {
  /** Name of a network namespace to run in. */
  namespace?: string | undefined
  input?: string | undefined
  env?: NodeJS.ProcessEnv | undefined
  cwd?: string | undefined
  /** After this long the program is killed; milliseconds. */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
}

const namespacePath = (name: string): string => `/run/netns/${name}`

/**
 * `nsenter`, not `ip netns exec`: the latter makes a mount namespace with another /sys, in which a bpffs of the caller is
 * out of sight.
 */
export const inNamespace = (namespace: string | undefined, argv: readonly string[]): string[] =>
  namespace === undefined ? [...argv] : ['nsenter', `--net=${namespacePath(namespace)}`, '--', ...argv]

/** Runs a program to its end. A program that cannot be started throws; one that fails gives its code (128 + signal when killed). */
export const run = (argv: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const [program, ...rest] = inNamespace(options.namespace, argv)
    const child = spawn(program!, rest, { stdio: 'pipe', env: options.env ?? process.env, cwd: options.cwd })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk
    })
    const timer = setTimeout(() => {
      stderr += `\nkilled after ${options.timeoutMs ?? defaultTimeoutMs} ms`
      child.kill('SIGKILL')
    }, options.timeoutMs ?? defaultTimeoutMs)
    const abort = (): boolean => child.kill('SIGTERM')
    options.signal?.addEventListener('abort', abort, { once: true })
    const settle = (): void => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', abort)
    }
    child.on('error', (cause) => {
      settle()
      reject(new Error(`could not start ${argv.join(' ')}: is ${argv[0]} installed?`, { cause }))
    })
    child.on('close', (code, signal) => {
      settle()
      resolve({ code: code ?? 128 + (signalNumbers[signal ?? ''] ?? 0), stdout, stderr })
    })
    // A program that ends without reading its input is no error of ours.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })

const defaultTimeoutMs = 120_000
const signalNumbers: Record<string, number> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }

/** As `run`, but a failure throws with what the program said; resolves to its standard output. */
export const runOrThrow = async (argv: readonly string[], options: RunOptions = {}): Promise<string> => {
  const { code, stdout, stderr } = await run(argv, options)
  if (code === 0) return stdout
  const place = options.namespace === undefined ? '' : ` in ${options.namespace}`
  throw new Error(`${argv.join(' ')}${place} ended with code ${code}: ${stderr.trim() || stdout.trim()}`)
}

/** Many `ip` commands by one process, in order; the first that fails ends the batch. */
export const ipBatch = async (namespace: string, commands: readonly string[]): Promise<void> => {
  if (commands.length === 0) return
  await runOrThrow(['ip', '-n', namespace, '-batch', '-'], { input: `${commands.join('\n')}\n` }).catch(
    (cause: Error) => {
      throw new Error(`ip in ${namespace} failed at one of:\n${commands.join('\n')}\n${cause.message}`, { cause })
    },
  )
}

/**
 * When a process started, in clock ticks since boot; undefined when there is none (any more). Together with the process id
 * it names a process for ever, while ids are used again.
 */
export const startTimeOf = (pid: number): number | undefined => {
  try {
    // The second field is the program's name in brackets and may hold spaces; the 22nd is the start time.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : Number(fields[19])
  } catch {
    return undefined
  }
}

import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { inNamespace } from './processes.ts'
import { nativeTool } from './tools.ts'

export type SendOptions = {
  device?: string
  /** Destination; default: broadcast. */
  to?: string
  periodMicroseconds?: number
  /** Ends by itself after so many frames; default: never. */
  count?: number
  etherType?: number
  /** Tells senders apart at one receiver. */
  stream?: number
  lengthBytes?: number
}
export type ReceiveOptions = Pick<SendOptions, 'device' | 'etherType' | 'stream'>

export type Sent = { sent: number; refused: number }

/** What a receiver saw of one stream. */
export type Received = {
  received: number
  /** Numbers of the lowest and highest frame seen; 0 when none came. */
  first: number
  last: number
  /** Missing between them. */
  lost: number
  /** Frames that came again. */
  duplicated: number
  /** Frames that came after one with a higher number. */
  reordered: number
  longestGapMicroseconds: number
  /** Lost by the measurement itself; not 0 makes it worthless. */
  overruns: number
}

class FramesProgram<Report> {
  readonly #child: ChildProcess
  readonly #report: Promise<Report>

  private constructor(child: ChildProcess, report: Promise<Report>) {
    this.#child = child
    this.#report = report
  }

  static async start<Report>(namespace: string, words: readonly string[]): Promise<FramesProgram<Report>> {
    // In the network namespace alone: signals then reach the program itself.
    const argv = inNamespace(namespace, [await nativeTool('frames'), ...words])
    const child = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
    let problem = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      problem += text
    })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const nextLine = async (): Promise<string> => {
      const { value, done } = await lines.next()
      if (done) throw new Error(`frames ${words.join(' ')} ended early: ${problem}`)
      return value
    }
    await nextLine()
    const report = nextLine().then((line) => JSON.parse(line) as Report)
    report.catch(() => {})
    return new FramesProgram<Report>(child, report)
  }

  /** Ends it; what it counted. */
  async stop(): Promise<Report> {
    this.#child.kill('SIGTERM')
    return await this.#report
  }

  /** Resolves when it ended by itself. */
  ended(): Promise<Report> {
    return this.#report
  }
}

export class FrameSender {
  readonly #program: FramesProgram<Sent>

  private constructor(program: FramesProgram<Sent>) {
    this.#program = program
  }

  /** Resolves when the first frame is about to leave. */
  static async start(namespace: string, options: SendOptions): Promise<FrameSender> {
    const { device = 'net1', to, periodMicroseconds, count, lengthBytes } = options
    const words = ['send', device, ...streamWords(options)]
    if (to !== undefined) words.push('--to', to)
    if (periodMicroseconds !== undefined) words.push('--period', String(periodMicroseconds))
    if (count !== undefined) words.push('--count', String(count))
    if (lengthBytes !== undefined) words.push('--length', String(lengthBytes))
    return new FrameSender(await FramesProgram.start<Sent>(namespace, words))
  }

  stop(): Promise<Sent> {
    return this.#program.stop()
  }

  /** For a sender with a `count`. */
  ended(): Promise<Sent> {
    return this.#program.ended()
  }
}

export class FrameReceiver {
  readonly #program: FramesProgram<Received>

  private constructor(program: FramesProgram<Received>) {
    this.#program = program
  }

  /** Resolves when it listens. */
  static async start(namespace: string, options: ReceiveOptions): Promise<FrameReceiver> {
    const words = ['receive', options.device ?? 'net1', ...streamWords(options)]
    return new FrameReceiver(await FramesProgram.start<Received>(namespace, words))
  }

  stop(): Promise<Received> {
    return this.#program.stop()
  }
}

const streamWords = ({ etherType, stream }: ReceiveOptions): string[] => [
  ...(etherType === undefined ? [] : ['--type', etherType.toString(16)]),
  ...(stream === undefined ? [] : ['--stream', String(stream)]),
]

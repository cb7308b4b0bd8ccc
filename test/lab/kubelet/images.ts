import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { ImageDescription } from '../description.ts'
import { cacheFolder, checkout } from '../tools.ts'

export type Container = {
  name: string
  image?: string | undefined
  command?: string[] | undefined
  args?: string[] | undefined
  workingDir?: string | undefined
}

export type ResolvedImage = {
  argv: string[]
  workingDirectory: string
  environment: Record<string, string>
  imageID: string
}

const builtIn: Record<string, ImageDescription> = {
  'vnet.dev/lab-vm': { entrypoint: ['bash', join(import.meta.dirname, '..', 'lab-vm.sh')], workingDirectory: '/' },
  'vnet.dev/lab-shell': { workingDirectory: '/' },
}

/** Programs that stand for images. There is nothing to pull: containers see this machine's files. */
export class Images {
  readonly #images: ReadonlyMap<string, ImageDescription>

  constructor(described: Record<string, ImageDescription> = {}) {
    this.#images = new Map(Object.entries({ ...builtIn, ...described }))
  }

  /** As a container runtime does: `command` replaces the image's entry point, `args` follow. Throws for an unknown image. */
  resolve({ name, image = '', command, args = [], workingDir }: Container): ResolvedImage {
    const repository = repositoryOf(image)
    const described = this.#images.get(repository)
    if (!described) {
      throw new Error(
        `no program stands for image ${image}; the laboratory knows ${[...this.#images.keys()].join(', ')}`,
      )
    }
    const argv = [...(command ?? described.entrypoint ?? []), ...args]
    if (argv.length === 0)
      throw new Error(`container ${name}: image ${image} has no entry point, so it needs a command`)
    return {
      argv,
      workingDirectory: workingDir ?? described.workingDirectory ?? checkout,
      environment: { PATH: containerPath, HOME: '/root', ...described.environment },
      imageID: `${repository}@sha256:${createHash('sha256').update(JSON.stringify(described)).digest('hex')}`,
    }
  }
}

/** `registry:5000/a/b:tag@sha256:…` → `registry:5000/a/b`. */
export const repositoryOf = (image: string): string => image.replace(/@.*$/, '').replace(/:[^/:]*$/, '')

// Node 26 and the built tools first, then the machine's programs.
const containerPath = [
  join(checkout, 'node_modules', '.bin'),
  join(checkout, 'build', 'bin'),
  join(cacheFolder(), 'bin'),
  '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
].join(':')

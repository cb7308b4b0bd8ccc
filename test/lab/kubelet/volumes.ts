import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import type { Pod } from '#runtime/resources.ts'
import { configMapData, secretData } from './environment.ts'
import type { NodeContext } from './node-context.ts'
import { type PodPlace, podField } from './pod-fields.ts'
import { replaceFile } from './replace-file.ts'
import { TokenFile } from './token-file.ts'

type Volume = NonNullable<NonNullable<Pod['spec']>['volumes']>[number]
type Files = Record<string, Buffer>
type Item = { key: string; path: string }

/** The volumes of one pod as folders on the machine, to be bind-mounted into its containers. */
export class PodVolumes {
  readonly #context: NodeContext
  readonly #folder: string
  readonly #paths = new Map<string, string>()
  readonly #tokens: TokenFile[] = []

  constructor(context: NodeContext, folder: string) {
    this.#context = context
    this.#folder = folder
  }

  /** Makes all volumes; throws with the volume's name when one cannot be made (yet). May be repeated. */
  async prepare(pod: Pod, place: PodPlace): Promise<void> {
    this.#stopTokens()
    for (const volume of pod.spec?.volumes ?? []) {
      try {
        this.#paths.set(volume.name, await this.#make(volume, pod, place))
      } catch (cause) {
        throw new Error(`MountVolume.SetUp failed for volume "${volume.name}": ${(cause as Error).message}`, { cause })
      }
    }
  }

  /** Folder of a volume. */
  path(volume: string): string {
    const path = this.#paths.get(volume)
    if (path === undefined) throw new Error(`the pod has no volume "${volume}"`)
    return path
  }

  async remove(): Promise<void> {
    this.#stopTokens()
    await rm(this.#folder, { recursive: true, force: true })
  }

  #stopTokens(): void {
    for (const token of this.#tokens.splice(0)) token.stop()
  }

  async #make(volume: Volume, pod: Pod, place: PodPlace): Promise<string> {
    if (volume.hostPath) return await this.#hostPath(volume.hostPath.path, volume.hostPath.type ?? '')
    const folder = join(this.#folder, volume.name)
    await mkdir(folder, { recursive: true })
    const { configMap, secret, downwardAPI, projected, emptyDir } = volume
    const source = { client: this.#context.client, pod }
    if (configMap) {
      const data = await configMapData(source, configMap.name ?? '', configMap.optional)
      await writeFiles(folder, select(data, configMap.items))
    } else if (secret) {
      const data = await secretData(source, secret.secretName ?? '', secret.optional)
      await writeFiles(folder, select(data, secret.items))
    } else if (downwardAPI) {
      await writeFiles(folder, downward(downwardAPI.items, pod, place))
    } else if (projected) {
      await this.#project(projected, folder, pod, place)
    } else if (!emptyDir) {
      throw new Error('the laboratory knows emptyDir, hostPath, configMap, secret, downwardAPI and projected volumes')
    }
    return folder
  }

  async #project(
    projected: NonNullable<Volume['projected']>,
    folder: string,
    pod: Pod,
    place: PodPlace,
  ): Promise<void> {
    const object = { client: this.#context.client, pod }
    for (const source of projected.sources ?? []) {
      const { configMap, secret, downwardAPI, serviceAccountToken } = source
      if (configMap) {
        const data = await configMapData(object, configMap.name ?? '', configMap.optional)
        await writeFiles(folder, select(data, configMap.items))
      } else if (secret) {
        await writeFiles(folder, select(await secretData(object, secret.name ?? '', secret.optional), secret.items))
      } else if (downwardAPI) {
        await writeFiles(folder, downward(downwardAPI.items, pod, place))
      } else if (serviceAccountToken) {
        const token = new TokenFile(this.#context, pod, {
          path: join(folder, serviceAccountToken.path),
          audience: serviceAccountToken.audience,
          expirationSeconds: serviceAccountToken.expirationSeconds ?? 3600,
        })
        await token.start()
        this.#tokens.push(token)
      } else {
        throw new Error('a projected volume has a source that the laboratory does not know')
      }
    }
  }

  // Within the node's own folder, so that each node has its own /run, /var/lib and bpffs.
  async #hostPath(hostPath: string, type: string): Promise<string> {
    const path = join(this.#context.root, normalize(hostPath).replace(/^\/var\/run\b/, '/run'))
    if (type.startsWith('File')) {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, '', { flag: 'a' })
    } else {
      await mkdir(path, { recursive: true })
    }
    return path
  }
}

const select = (data: Files | undefined, items: Item[] | undefined): Files => {
  if (!data || !items) return data ?? {}
  return Object.fromEntries(
    items.map(({ key, path }) => {
      const value = data[key]
      if (value === undefined) throw new Error(`it has no key ${key}`)
      return [path, value]
    }),
  )
}

const downward = (
  items: { path: string; fieldRef?: { fieldPath: string } | undefined }[] = [],
  pod: Pod,
  place: PodPlace,
): Files =>
  Object.fromEntries(
    items.map(({ path, fieldRef }) => [path, Buffer.from(podField(pod, place, fieldRef?.fieldPath ?? ''))]),
  )

const writeFiles = async (folder: string, files: Files): Promise<void> => {
  for (const [path, content] of Object.entries(files)) await replaceFile(join(folder, path), content)
}

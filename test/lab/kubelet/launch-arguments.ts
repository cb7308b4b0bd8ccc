import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Pod } from '#runtime/resources.ts'
import { type ContainerSpec, expand } from './environment.ts'
import type { ResolvedImage } from './images.ts'
import type { NodeContext } from './node-context.ts'
import type { PodVolumes } from './volumes.ts'

export type LaunchOptions = {
  context: NodeContext
  pod: Pod
  spec: ContainerSpec
  image: ResolvedImage
  volumes: PodVolumes
  namespace: string
  /** Folder of the container on this machine. */
  folder: string
}

/** The command line of native/launch for one container. */
export const launchArguments = (options: LaunchOptions): string[] => {
  const { context, pod, spec, image, namespace, folder } = options
  const literals = Object.fromEntries((spec.env ?? []).map(({ name, value }) => [name, value ?? '']))
  return [
    context.launch,
    ...['--scratch', join(folder, 'scratch'), '--net', `/run/netns/${namespace}`, '--pidfile', join(folder, 'pid')],
    ...(pod.spec?.hostPID ? ['--host-pid'] : []),
    ...['--workdir', image.workingDirectory],
    ...binds(options),
    '--',
    ...image.argv.map((word) => expand(word, literals)),
  ]
}

// Outer mount points first, so that an inner one is not covered.
const binds = ({ spec, volumes }: LaunchOptions): string[] =>
  (spec.volumeMounts ?? [])
    .toSorted((a, b) => a.mountPath.length - b.mountPath.length)
    .flatMap(({ name, mountPath, subPath, readOnly }) => {
      const source = join(volumes.path(name), subPath ?? '')
      if (subPath && !existsSync(source)) mkdirSync(source, { recursive: true })
      return ['--bind', source, mountPath.replace(/\/$/, ''), readOnly ? 'ro' : 'rw']
    })

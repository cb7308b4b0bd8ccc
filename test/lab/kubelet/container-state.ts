import type { Pod } from '#runtime/resources.ts'

export type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number]
export type ContainerState = NonNullable<ContainerStatus['state']>

/** What is known about one container; a status is made from it. */
export type ContainerRecord = {
  readonly name: string
  readonly image: string
  imageID: string
  containerID: string
  state: ContainerState
  lastState: ContainerState
  restartCount: number
  ready: boolean
  started: boolean
}

export const newRecord = (name: string, image: string, restartCount: number): ContainerRecord => ({
  name,
  image,
  imageID: '',
  containerID: '',
  state: { waiting: { reason: 'PodInitializing' } },
  lastState: {},
  restartCount,
  ready: false,
  started: false,
})

export const containerStatus = (record: ContainerRecord): ContainerStatus => ({ ...record })

export const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z')

export const waiting = (reason: string, message?: string): ContainerState => ({
  waiting: { reason, ...(message === undefined ? {} : { message }) },
})

export const running = (): ContainerState => ({ running: { startedAt: now() } })

export const terminated = (exitCode: number, state: ContainerState, containerID: string): ContainerState => ({
  terminated: {
    exitCode,
    reason: exitCode === 0 ? 'Completed' : 'Error',
    startedAt: state.running?.startedAt ?? now(),
    finishedAt: now(),
    containerID,
  },
})

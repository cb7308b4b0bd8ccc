import type { World } from './world.ts'

/** No overlay: the underlay device is a port of the VMs' bridge. */
export const joinByBridge = (world: World): void => {
  for (const host of [world.near, world.far]) {
    const [{ device }] = host.underlays as [(typeof host.underlays)[number]]
    host.ip(`addr flush dev ${device}`)
    world.linuxBridge(host, device)
  }
}

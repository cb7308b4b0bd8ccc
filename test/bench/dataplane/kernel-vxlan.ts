import type { Host, Underlay, World } from './world.ts'

const VNI = 77
const ALL_ZERO = '00:00:00:00:00:00'

/** The kernel's VXLAN device as a port of a bridge, forwarding tables filled by hand, learning off: as controllers of overlays set it up. */
export const joinByKernel = (world: World): void => {
  const { near, far, relay } = world
  const macs = { sender: world.sender.device('eth0').mac, receiver: world.receiver.device('eth0').mac }
  const vxlan = (host: Host, device: string, id: number, { address, neighbour }: Underlay, remoteMac: string): void => {
    const options = `id ${id} local ${address} dstport 4789 nolearning noudpcsum`
    host.ip(`link add ${device} mtu ${world.mtu} numtxqueues 1 numrxqueues 1 type vxlan ${options}`)
    host.ip(`link set ${device} master br0`)
    host.ip(`link set ${device} type bridge_slave learning off`)
    host.ip(`link set ${device} up`)
    host.exec('bridge', 'fdb', 'append', ALL_ZERO, 'dev', device, 'dst', neighbour, 'self')
    host.exec('bridge', 'fdb', 'add', remoteMac, 'dev', device, 'dst', neighbour, 'self', 'static')
    host.exec('bridge', 'fdb', 'replace', remoteMac, 'dev', device, 'master', 'static')
  }
  for (const host of world.hosts) world.linuxBridge(host)
  for (const [host, mac] of [
    [near, macs.sender],
    [far, macs.receiver],
  ] as const) {
    host.ip('link set p0 type bridge_slave learning off')
    host.exec('bridge', 'fdb', 'replace', mac, 'dev', 'p0', 'master', 'static')
  }
  // One segment on each side of a relay: a bridge never sends a frame back through the VXLAN device that it came from.
  const farVni = relay ? VNI + 1 : VNI
  vxlan(near, 'vx0', VNI, near.underlays[0]!, macs.receiver)
  vxlan(far, 'vx0', farVni, far.underlays[0]!, macs.sender)
  if (!relay) return
  vxlan(relay, 'vx0', VNI, relay.underlays[0]!, macs.sender)
  vxlan(relay, 'vx1', farVni, relay.underlays[1]!, macs.receiver)
}

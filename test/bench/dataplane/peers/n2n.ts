import { bridgedTap, type Peer, sidesOf, TAP } from './peer.ts'

const MTU = 1400
const PORT = 7654

/**
 * n2n with its supernode on the first node. Packet forwarding is on (-r), which a bridged VM needs. An edge knows other edges by the
 * address of their own device alone, so frames to VMs behind a bridge pass the supernode: that is how this version works.
 */
export const n2n: Peer = {
  overhead: 1500 - MTU,
  join: async (world) => {
    const sides = sidesOf(world)
    const [near] = sides
    world.daemon(near.host, ['supernode', '-l', String(PORT)])
    for (const { host, name } of sides) {
      bridgedTap(world, host, MTU)
      const address = name === 'near' ? '10.99.0.1' : '10.99.0.2'
      const network = ['-d', TAP, '-a', address, '-s', '255.255.255.0', '-M', String(MTU), '-r']
      world.daemon(host, ['edge', ...network, '-c', 'vnet', '-k', 'benchmark', '-l', `${near.address}:${PORT}`])
    }
  },
}

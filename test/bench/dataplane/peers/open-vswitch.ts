import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '#daemonset/bpf/test-laboratory.ts'
import type { World } from '../world.ts'
import { type Peer, type Side, sidesOf, workFolder } from './peer.ts'

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'

/** One node: the underlay device is a port of `br-phy`, which has its address; the VM's port and the tunnel are ports of `br-int`. */
const startNode = async (world: World, folder: string, { host, address, other }: Side): Promise<void> => {
  mkdirSync(folder)
  const socket = join(folder, 'db.sock')
  const database = join(folder, 'conf.db')
  execFileSync('ovsdb-tool', ['create', database, SCHEMA])
  const files = (program: string): string[] => [
    `--pidfile=${join(folder, `${program}.pid`)}`,
    `--unixctl=${join(folder, `${program}.ctl`)}`,
  ]
  const env = ['env', `OVS_RUNDIR=${folder}`, `OVS_LOGDIR=${folder}`]
  world.daemon(host, [...env, 'ovsdb-server', ...files('ovsdb-server'), `--remote=punix:${socket}`, database])
  await until('the socket of ovsdb-server', () => existsSync(socket))
  const vsctl = (...args: string[]): void => {
    host.exec(...([...env, 'ovs-vsctl', `--db=unix:${socket}`, '--timeout=10', ...args] as [string, ...string[]]))
  }
  vsctl('--no-wait', 'init')
  world.daemon(host, [...env, 'ovs-vswitchd', ...files('ovs-vswitchd'), `unix:${socket}`])
  const bridge = (name: string): string[] => ['add-br', name, '--', 'set', 'bridge', name, 'datapath_type=netdev']
  vsctl(...bridge('br-phy'))
  vsctl('add-port', 'br-phy', 'u0')
  host.ip('addr flush dev u0')
  host.ip(`addr add ${address}/24 dev br-phy`)
  host.ip('link set br-phy up')
  vsctl(...bridge('br-int'))
  vsctl('add-port', 'br-int', 'p0')
  const tunnel = ['type=vxlan', `options:remote_ip=${other}`, 'options:key=77']
  vsctl('add-port', 'br-int', 'vx0', '--', 'set', 'interface', 'vx0', ...tunnel)
}

/** Open vSwitch with its user-space data path and a VXLAN port, by its manual's "userspace tunneling"; no DPDK. */
export const openVswitch: Peer = {
  overhead: 50,
  needsCompleteChecksums: true,
  join: async (world) => {
    const folder = workFolder(world)
    for (const side of sidesOf(world)) await startNode(world, join(folder, side.name), side)
  },
}

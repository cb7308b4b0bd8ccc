import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bridgedTap, type Peer, sidesOf, TAP, workFolder } from './peer.ts'

const MTU = 1400

/** tinc as a switch, its own choice of cipher and digest, by its manual's chapter on bridging Ethernet segments. */
export const tinc: Peer = {
  overhead: 1500 - MTU,
  join: async (world) => {
    const folder = workFolder(world)
    const sides = sidesOf(world)
    for (const { name, address } of sides) {
      const hosts = join(folder, name, 'hosts')
      mkdirSync(hosts, { recursive: true })
      const connect = name === 'near' ? 'ConnectTo = far\n' : ''
      const text = `Name = ${name}\nMode = switch\nDeviceType = tap\nInterface = ${TAP}\nAddressFamily = ipv4\n${connect}`
      writeFileSync(join(folder, name, 'tinc.conf'), text)
      writeFileSync(join(folder, name, 'tinc-up'), '#!/bin/sh\nip link set "$INTERFACE" up\n')
      chmodSync(join(folder, name, 'tinc-up'), 0o755)
      writeFileSync(join(hosts, name), `Address = ${address}\n`)
      execFileSync('tincd', ['-c', join(folder, name), '-K2048'], { stdio: ['ignore', 'ignore', 'ignore'] })
    }
    for (const [from, to] of [
      ['near', 'far'],
      ['far', 'near'],
    ] as const)
      execFileSync('cp', [join(folder, from, 'hosts', from), join(folder, to, 'hosts', from)])
    for (const { name, host } of sides) {
      bridgedTap(world, host, MTU)
      const pidFile = join(folder, `${name}.pid`)
      world.daemon(host, ['tincd', '-c', join(folder, name), '-D', `--pidfile=${pidFile}`])
    }
  },
}

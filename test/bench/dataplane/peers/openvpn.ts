import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { bridgedTap, type Peer, sidesOf, TAP, workFolder } from './peer.ts'

const MTU = 1400

/** A key with a certificate of its own, and its fingerprint: what the manual recommends where there is no authority. */
const makeCertificate = (folder: string, name: string): string => {
  const file = (ending: string): string => join(folder, `${name}.${ending}`)
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1', '-nodes', '-sha256']
  const output = ['-keyout', file('key'), '-out', file('crt'), '-days', '2', '-subj', `/CN=${name}`]
  execFileSync('openssl', [...request, ...output], { stdio: 'ignore' })
  const text = execFileSync('openssl', ['x509', '-fingerprint', '-sha256', '-in', file('crt'), '-noout'])
  return text.toString().trim().split('=')[1]!
}

/** OpenVPN between two points in TAP mode over UDP, with TLS by fingerprints and its default ciphers. */
export const openvpn: Peer = {
  overhead: 1500 - MTU,
  join: async (world) => {
    const folder = workFolder(world)
    const sides = sidesOf(world)
    const fingerprints = { near: makeCertificate(folder, 'near'), far: makeCertificate(folder, 'far') }
    const daemons = sides.map(({ name, host, address, other }) => {
      bridgedTap(world, host, MTU)
      const tls = name === 'near' ? ['--tls-server', '--dh', 'none'] : ['--tls-client']
      const identity = ['--cert', join(folder, `${name}.crt`), '--key', join(folder, `${name}.key`)]
      const peer = ['--peer-fingerprint', fingerprints[name === 'near' ? 'far' : 'near']]
      const ends = ['--local', address, '--remote', other, '--proto', 'udp', '--dev', TAP, '--dev-type', 'tap']
      const argv = ['openvpn', ...ends, ...tls, ...identity, ...peer, '--tun-mtu', String(MTU)]
      return world.daemon(host, argv)
    })
    await Promise.all(daemons.map((daemon) => daemon.line('Initialization Sequence Completed')))
  },
}

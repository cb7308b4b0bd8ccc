import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bridgedTap, type Peer, sidesOf, TAP, workFolder } from './peer.ts'

const MTU = 1400
const PORT = 10000

type Keys = { secret: string; key: string }

const makeKeys = (): Keys => {
  const text = execFileSync('fastd', ['--generate-key'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  const [, secret, key] = /Secret: (\w+)\s+Public: (\w+)/.exec(text) ?? []
  if (!secret || !key) throw new Error(`fastd --generate-key printed something else than two keys: ${text}`)
  return { secret, key }
}

/** fastd in TAP mode with one peer, by its manual's example. `method` is the one that the manual names for the purpose. */
export const fastd = (method: 'null' | 'salsa2012+umac'): Peer => ({
  overhead: 1500 - MTU,
  join: async (world) => {
    const folder = workFolder(world)
    const sides = sidesOf(world)
    const keys = { near: makeKeys(), far: makeKeys() }
    const daemons = sides.map(({ name, host, address, other }) => {
      bridgedTap(world, host, MTU)
      const file = join(folder, `${name}.conf`)
      const otherKey = keys[name === 'near' ? 'far' : 'near'].key
      const text = `log level info; mode tap; interface "${TAP}"; persist interface no; method "${method}"; mtu ${MTU};
bind ${address}:${PORT}; secret "${keys[name].secret}"; peer "other" { key "${otherKey}"; remote ${other}:${PORT}; }
`
      writeFileSync(file, text)
      return world.daemon(host, ['sh', '-c', `exec fastd -c ${file} 2>&1`])
    })
    await Promise.all(daemons.map((daemon) => daemon.line('established')))
  },
})

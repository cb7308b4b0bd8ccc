import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  allocateVni,
  bridgeDevice,
  bridgeId,
  networkOfProjection,
  projectionName,
  sliceIndex,
  sliceName,
  splitKey,
  VNI_MAX,
} from './names.ts'

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')
const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/)
const subdomain = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,12}[a-z0-9])?$/)

test('a projection name leads back to its network, also when the name has dots', () => {
  fc.assert(
    fc.property(label, subdomain, (namespace, name) =>
      assert.is(networkOfProjection(projectionName(`${namespace}/${name}`)), `${namespace}/${name}`),
    ),
  )
})

test('a key splits at its first slash', () => {
  assert.equal(splitKey('a/b'), ['a', 'b'])
  assert.equal(splitKey('a'), ['a', ''])
})

test('a bridge device fits into the kernel and follows from the name alone', () => {
  fc.assert(
    fc.property(label, subdomain, (namespace, name) =>
      assert.match(bridgeDevice(`${namespace}/${name}`, digest), /^vn[0-9a-v]{13}$/),
    ),
  )
  assert.is(
    bridgeDevice('team-a/blue', () => `${'f'.repeat(64)}`),
    `vn${'v'.repeat(13)}`,
  )
  assert.is(
    bridgeDevice('team-a/blue', () => '0'.repeat(64)),
    `vn${'0'.repeat(13)}`,
  )
  assert.is(bridgeDevice('team-a/blue', digest), bridgeDevice('team-a/blue', digest))
  assert.ok(bridgeId('east/node-1', digest) < 2n ** 64n)
})

test('a VNI is in range, free, and the same for every hub that sees the same numbers taken', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(
        fc.tuple(label, subdomain).map((parts) => parts.join('/')),
        { maxLength: 50 },
      ),
      (networks) => {
        const taken = new Set<number>()
        for (const network of networks) {
          const vni = allocateVni(network, (number) => taken.has(number), digest)
          assert.ok(vni >= 1 && vni <= VNI_MAX && !taken.has(vni))
          assert.is(
            vni,
            allocateVni(network, (number) => taken.has(number), digest),
          )
          taken.add(vni)
        }
      },
    ),
  )
})

test('when all candidates are taken, the error says what to do', () => {
  assert.throws(() => allocateVni('a/b', () => true, digest), /set spec.vni/)
})

test('no two slices have the same name, whatever networks and clusters are called', () => {
  const places = [
    ['ns/a', 'b-c'],
    ['ns/a-b', 'c'],
    ['ns/a.b', 'c'],
    ['ns/a', 'c'],
    ['ns-a/b', 'c'],
  ] as const
  const names = places.flatMap(([network, cluster]) => [0, 10].map((index) => sliceName(network, cluster, index)))
  assert.is(new Set(names).size, names.length)
  for (const [network, cluster] of places)
    for (const name of names)
      assert.is(
        sliceIndex(name, network, cluster) !== undefined,
        name.startsWith(`${network.replace('/', '.')}.${cluster}.`),
      )
  for (const wrong of ['ns.a.c.', 'ns.a.c.01', 'ns.a.c.12345', 'ns.a.c', 'ns.a-c-0'])
    assert.is(sliceIndex(wrong, 'ns/a', 'c'), undefined)
  assert.is(sliceIndex('ns.a.c.10', 'ns/a', 'c'), 10)
})

test.run()

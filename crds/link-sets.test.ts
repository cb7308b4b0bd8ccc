import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { expandLinkSets, shareLinkSets } from './link-sets.ts'
import type { NodeBridgeSpec } from './node-bridge.ts'

const specOf = (lists: number[][]): NodeBridgeSpec =>
  ({ serial: 1, networks: lists.map((links, index) => ({ name: `a/${index}`, links })) }) as never

test('what is said once is read by each network', () => {
  const list = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 6 }).map((ids) => ids.sort((a, b) => a - b))
  fc.assert(
    fc.property(fc.array(list, { maxLength: 8 }), (lists) => {
      assert.equal(expandLinkSets(shareLinkSets(specOf(lists))), specOf(lists))
    }),
  )
})

test('networks over the same bridges name their links once', () => {
  const spec = shareLinkSets(
    specOf([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2],
    ]),
  )
  assert.equal(spec.linkSets, [[1, 2, 3]])
  assert.equal(
    spec.networks?.map(({ links, linkSet }) => ({ links, linkSet })),
    [
      { links: [], linkSet: 0 },
      { links: [], linkSet: 0 },
      { links: [1, 2], linkSet: undefined },
    ],
  )
})

test('links of its own come on top of those of a set', () => {
  const { networks } = expandLinkSets({
    linkSets: [[1, 2]],
    networks: [{ name: 'a/b', links: [2, 5], linkSet: 0 }] as never,
  })
  assert.equal(networks?.[0]?.links, [1, 2, 5])
})

test.run()

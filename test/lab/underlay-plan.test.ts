import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { firstLinks, linkAddresses, siteAddresses } from './underlay-plan.ts'

test('routes go the quickest way, also over a third site', () => {
  const edges = [
    { a: 0, b: 1, delayMs: 2 },
    { a: 1, b: 2, delayMs: 2 },
    { a: 0, b: 2, delayMs: 10 },
  ]
  const routes = firstLinks(3, edges)
  assert.equal([...routes[0]!].sort(), [
    [1, 0],
    [2, 0],
  ])
  assert.equal([...routes[2]!].sort(), [
    [0, 1],
    [1, 1],
  ])
})

test('of equal ways the one with fewer hops, and none to what is not joined', () => {
  const edges = [
    { a: 0, b: 1, delayMs: 0 },
    { a: 1, b: 2, delayMs: 0 },
    { a: 2, b: 0, delayMs: 0 },
  ]
  const routes = firstLinks(4, edges)
  assert.is(routes[0]!.get(2), 2)
  assert.not(routes[0]!.has(3))
  assert.is(routes[3]!.size, 0)
})

test('addresses do not meet', () => {
  const all = [0, 1, 200].flatMap((n) => {
    const { a, b } = linkAddresses(n)
    return [a, b, siteAddresses(n, 1), siteAddresses(n, 10)].flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6])
  })
  assert.is(new Set(all).size, all.length)
})

test.run()

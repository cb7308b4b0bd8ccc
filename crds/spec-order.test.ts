import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isOlderSpec } from './spec-order.ts'

const known = { overlayUID: 'o', nodeUID: 'n', epoch: 2, serial: 5 }

for (const [what, change, expected] of [
  ['the same', {}, false],
  ['a later serial', { serial: 6 }, false],
  ['an earlier serial', { serial: 4 }, true],
  ['a later epoch, whatever its serial', { epoch: 3, serial: 1 }, false],
  ['an earlier epoch, whatever its serial', { epoch: 1, serial: 9 }, true],
  ['no epoch', { epoch: undefined, serial: 9 }, true],
  ['nothing yet', { serial: undefined }, true],
  ['one for another machine of that name', { nodeUID: 'm', serial: 1 }, false],
  ['one of another overlay', { overlayUID: 'p', serial: 1 }, false],
] as [string, object, boolean][])
  test(`${what} is ${expected ? 'older' : 'not older'}`, () => {
    assert.is(isOlderSpec({ ...known, ...change } as never, known), expected)
  })

test('nothing is older than nothing', () => {
  assert.not(isOlderSpec(known, undefined))
  assert.not(isOlderSpec({} as never, {} as never))
})

test.run()

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { MESH, STAR, settled } from './small-overlay.ts'
import { viewOf } from './view.ts'

test('counts a path for each bridge that a network reaches, over links and routes', () => {
  const carried = (overlay: ReturnType<typeof settled>, name: string) =>
    viewOf(overlay.published).get(name)?.carried.get('team/blue')
  const names = ['east/hub', 'east/n1', 'east/n2', 'east/n3']
  const star = settled(names, STAR)
  // A leaf has one link, and a route to each other leaf; the hub has links alone.
  assert.equal(carried(star, 'east/n1'), { vni: 7, paths: 3 })
  assert.equal(carried(star, 'east/hub'), { vni: 7, paths: 3 })
  // On the way to a mesh it has routes and direct links to the same bridges.
  star.topology = MESH
  star.step()
  assert.is(star.entry('east/n1')?.routes.length, 2)
  assert.is(star.entry('east/n1')?.links.length, 3)
  assert.equal(carried(star, 'east/n1'), { vni: 7, paths: 3 })
})

test.run()

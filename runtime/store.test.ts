import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { ConfigMap } from './resources.ts'
import { Store } from './store.ts'

const configMap = (name: string, resourceVersion: string, color?: string): ConfigMap => ({
  metadata: { namespace: 'x', name, resourceVersion },
  ...(color ? { data: { color } } : {}),
})

const observedStore = () => {
  const store = new Store<ConfigMap>({ color: ({ data }) => (data?.color ? [data.color] : []) })
  const changes: string[] = []
  const describe = (object: ConfigMap | undefined): string => object?.metadata?.resourceVersion ?? '-'
  store.onChange((key, previous) => changes.push(`${key} ${describe(previous)}→${describe(store.get(key))}`))
  return { store, changes }
}

test('tells handlers the key, what was, and leaves what is in the lister', () => {
  const { store, changes } = observedStore()
  store.upsert(configMap('a', '1'))
  store.upsert(configMap('a', '2'))
  store.upsert(configMap('a', '2'))
  store.delete('x/a')
  store.delete('x/a')
  assert.equal(changes, ['x/a -→1', 'x/a 1→2', 'x/a 2→-'])
})

test('a replacement tells the differences only', () => {
  const { store, changes } = observedStore()
  store.replace([configMap('a', '1'), configMap('b', '2'), configMap('c', '3')])
  changes.length = 0
  store.replace([configMap('b', '2'), configMap('c', '4'), configMap('d', '5')])
  assert.equal(changes, ['x/a 1→-', 'x/c 3→4', 'x/d -→5'])
  assert.equal(store.keys().sort(), ['x/b', 'x/c', 'x/d'])
})

test('a replacement sees through equal versions, which a restored server gives to other content', () => {
  const { store, changes } = observedStore()
  store.replace([configMap('a', '1', 'red'), configMap('b', '2', 'red')])
  changes.length = 0
  store.replace([configMap('a', '1', 'blue'), configMap('b', '2', 'red')])
  assert.equal(changes, ['x/a 1→1'])
  assert.is(store.byIndex('color', 'blue').length, 1)
})

test('indexes follow every change', () => {
  const { store } = observedStore()
  store.upsert(configMap('a', '1', 'red'))
  store.upsert(configMap('b', '2', 'red'))
  store.upsert(configMap('a', '3', 'blue'))
  assert.equal(
    store.byIndex('color', 'red').map(({ metadata }) => metadata?.name),
    ['b'],
  )
  assert.equal(
    store.byIndex('color', 'blue').map(({ metadata }) => metadata?.name),
    ['a'],
  )
  store.delete('x/b')
  assert.equal(store.byIndex('color', 'red'), [])
  assert.throws(() => store.byIndex('size', '1'), /no index "size"; there are: color/)
})

test('hands out objects that nobody can change', () => {
  const { store } = observedStore()
  store.upsert(configMap('a', '1', 'red'))
  const { data } = store.get('x/a') ?? {}
  assert.throws(() => {
    if (data) data.color = 'blue'
  }, /read only/)
})

test('a handler that left hears nothing more', () => {
  const { store } = observedStore()
  let calls = 0
  const leave = store.onChange(() => calls++)
  store.upsert(configMap('a', '1'))
  leave()
  store.upsert(configMap('a', '2'))
  assert.is(calls, 1)
})

test.run()

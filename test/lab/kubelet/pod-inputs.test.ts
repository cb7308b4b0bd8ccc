import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { expand } from './environment.ts'
import { Images, repositoryOf } from './images.ts'
import { parseQuantity, podField, resourceField } from './pod-fields.ts'

test('$(NAME) expands when it is known, $$ is a dollar sign', () => {
  assert.is(expand('a $(B) $(C) $$(B) $B', { B: '1' }), 'a 1 $(C) $(B) $B')
})

test('an image is known by its name without tag and digest', () => {
  assert.is(repositoryOf('vnet.dev/agent:0.1.0'), 'vnet.dev/agent')
  assert.is(repositoryOf('registry:5000/a/b'), 'registry:5000/a/b')
  assert.is(repositoryOf('registry:5000/a/b:1@sha256:00'), 'registry:5000/a/b')
})

test('command replaces the entry point of an image, args follow it', () => {
  const images = new Images({ 'a.example/b': { entrypoint: ['node', 'main.ts'], environment: { LEVEL: 'high' } } })
  const image = 'a.example/b:2'
  assert.equal(images.resolve({ name: 'c', image, args: ['--x'] }).argv, ['node', 'main.ts', '--x'])
  assert.equal(images.resolve({ name: 'c', image, command: ['sh'], args: ['-c'] }).argv, ['sh', '-c'])
  assert.is(images.resolve({ name: 'c', image }).environment.LEVEL, 'high')
  assert.throws(() => images.resolve({ name: 'c', image: 'a.example/c' }), /no program stands for image a\.example\/c/)
  assert.throws(() => images.resolve({ name: 'c', image: 'vnet.dev/lab-shell' }), /needs a command/)
})

test('the downward API gives fields and resources as Kubernetes does', () => {
  const pod = { metadata: { name: 'p', labels: { app: 'x', 'a/b': '1' } }, spec: { containers: [] } }
  const place = { node: 'n1', hostIPs: ['10.0.0.1', 'fd00::1'], podIPs: ['10.1.0.1'] }
  assert.is(podField(pod, place, 'metadata.name'), 'p')
  assert.is(podField(pod, place, "metadata.labels['a/b']"), '1')
  assert.is(podField(pod, place, "metadata.annotations['none']"), '')
  assert.is(podField(pod, place, 'metadata.labels'), 'app="x"\na/b="1"')
  assert.is(podField(pod, place, 'status.hostIPs'), '10.0.0.1,fd00::1')
  assert.is(podField(pod, place, 'spec.nodeName'), 'n1')
  assert.throws(() => podField(pod, place, 'spec.colour'), /knows no pod field spec\.colour/)
  const container = { resources: { limits: { memory: '64Mi', cpu: '1500m' } } }
  assert.is(resourceField(container, 'limits.memory', '1Mi'), '64')
  assert.is(resourceField(container, 'limits.cpu'), '2')
  assert.is(parseQuantity('1Gi'), 2 ** 30)
})

test.run()

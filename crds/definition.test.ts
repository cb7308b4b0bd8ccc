import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { customResourceDefinition } from './definition.ts'
import { kinds } from './kinds.ts'

const test = suite('definitions')

test('the generated files say the same to a reader of YAML 1.1, as Kubernetes is one: words like On are strings', () => {
  for (const kind of kinds) {
    const text = readFileSync(join(import.meta.dirname, 'generated', `${kind.plural}.yaml`), 'utf8')
    assert.equal(parse(text, { version: '1.1' }), customResourceDefinition(kind), kind.kind)
  }
})

test.run()

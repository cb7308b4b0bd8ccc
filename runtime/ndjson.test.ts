import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseNdjson } from './ndjson.ts'

const collect = async (chunks: Uint8Array[]): Promise<unknown[]> => {
  const stream = (async function* () {
    yield* chunks
  })()
  const values: unknown[] = []
  for await (const value of parseNdjson(stream)) values.push(value)
  return values
}

const failureOf = (chunks: Uint8Array[]): Promise<unknown> => collect(chunks).catch((error) => error)

test('gives the values back however the bytes are cut', async () => {
  const value = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue())
  await fc.assert(
    fc.asyncProperty(fc.array(value), fc.array(fc.nat(40)), async (values, sizes) => {
      const wire = values.map((it) => JSON.parse(JSON.stringify(it)) as unknown)
      let rest = Buffer.from(wire.map((it) => `${JSON.stringify(it)}\n`).join(''))
      const chunks: Uint8Array[] = []
      for (const size of sizes) {
        chunks.push(rest.subarray(0, size))
        rest = rest.subarray(size)
      }
      assert.equal(await collect([...chunks, rest]), wire)
    }),
    { numRuns: 200 },
  )
})

test('joins a character whose bytes come one at a time', async () => {
  const bytes = Buffer.from('{"name":"grün 🟢"}\n')
  assert.equal(await collect([...bytes].map((byte) => Uint8Array.of(byte))), [{ name: 'grün 🟢' }])
})

test('skips blank lines', async () => {
  assert.equal(await collect([Buffer.from('\n1\n\r\n2\n')]), [1, 2])
})

test('reports a stream that ends inside a line, and a line that is not JSON', async () => {
  assert.match(String(await failureOf([Buffer.from('{"a":1}\n{"b"')])), 'the stream ended inside a line, after 4 bytes')
  assert.instance(await failureOf([Buffer.from('<html>\n')]), SyntaxError)
})

test.run()

const newline = 0x0a
const maxLineBytes = 64 * 1024 * 1024

/**
 * Values of a newline-delimited JSON stream, one by one. Lines are cut on bytes, so chunks may end anywhere, also inside a
 * UTF-8 sequence. A line that is not JSON, or a stream that ends inside a line, throws a `SyntaxError`.
 */
export async function* parseNdjson(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<unknown, void> {
  let partial: Uint8Array[] = []
  let partialBytes = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const line = Buffer.concat([...partial, chunk.subarray(start, end)]).toString('utf8')
      partial = []
      partialBytes = 0
      start = end + 1
      if (line.trim()) yield JSON.parse(line)
    }
    if (start === chunk.length) continue
    partial.push(chunk.subarray(start))
    partialBytes += chunk.length - start
    if (partialBytes > maxLineBytes) throw new SyntaxError(`a line is longer than ${maxLineBytes} bytes`)
  }
  if (partialBytes > 0) throw new SyntaxError(`the stream ended inside a line, after ${partialBytes} bytes of it`)
}

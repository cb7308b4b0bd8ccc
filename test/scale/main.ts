// The hub at scale: `node test/scale/main.ts --bridges 1000 --networks 200`. Prints times, the longest block of the event loop, and memory.
import { parseArgs } from 'node:util'
import { measureHub } from './hub-scale.ts'

const { values } = parseArgs({
  options: {
    bridges: { type: 'string', default: '1000' },
    networks: { type: 'string', default: '200' },
    clusters: { type: 'string', default: '2' },
    topology: { type: 'string', default: 'Mesh' },
  },
})
const result = await measureHub({
  bridges: Number(values.bridges),
  networks: Number(values.networks),
  clusters: Number(values.clusters),
  topology: values.topology === 'Star' ? 'Star' : 'Mesh',
})
for (const [name, value] of Object.entries(result)) console.log(`${name.padEnd(20)} ${Math.round(value)}`)

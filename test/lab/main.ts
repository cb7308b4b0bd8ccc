// Starts the laboratory that a file describes and keeps it until Ctrl-C: `node test/lab/main.ts FILE`.
// `node test/lab/main.ts --sweep` removes what dead runs left and ends.
import { readDescription } from './description.ts'
import { startLaboratory } from './lab.ts'
import { sweep } from './sweep.ts'

const [argument] = process.argv.slice(2)
if (argument === '--sweep') {
  const swept = await sweep()
  console.log(swept.length === 0 ? 'nothing to remove' : `removed ${swept.join(', ')}`)
} else if (argument === undefined || argument.startsWith('-')) {
  console.error('usage: node test/lab/main.ts FILE | --sweep     (FILE: as those in test/lab/labs)')
  process.exitCode = 2
} else {
  const laboratory = await startLaboratory(await readDescription(argument), {
    onProgress: (line) => console.log(line),
    onReport: (line) => console.error(line),
  })
  for (const { name, kubeconfig } of laboratory.clusters) console.log(`${name}: export KUBECONFIG=${kubeconfig}`)
  console.log('Ctrl-C removes everything.')
}

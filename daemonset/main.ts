// The node agent: options → kernel → clean up, or run until told to stop.
import { createLogger } from '#runtime/logging.ts'
import { optionsOrExit } from '#runtime/options.ts'
import { runAll } from '#runtime/run-all.ts'
import { shutdownSignal } from '#runtime/shutdown.ts'
import packageJson from '../package.json' with { type: 'json' }
import { assemble } from './agent/assemble.ts'
import { cleanup } from './agent/cleanup.ts'
import { NodeKernel } from './kernel/node-kernel.ts'
import { agentOptions } from './options.ts'

const options = optionsOrExit(agentOptions)
const { bpfDir, stateDir, nodeName } = options
const logger = createLogger({ level: options.logLevel, name: 'vnet-agent' }).child({ node: nodeName })
const kernel = new NodeKernel({
  bpfDir,
  stateDir,
  objectPath: options.bpfObject,
  nowMs: Date.now(),
  readsFirewall: options.fastPath === 'Strict',
})

if (options.cleanup) process.exitCode = (await cleanup({ kernel, stateDir, bpfDir, logger })) ? 0 : 1
else if (nodeName === undefined) {
  process.stderr.write('vnet-agent: --node-name (or NODE_NAME) is required\n')
  process.exitCode = 2
} else {
  const signal = shutdownSignal({ logger })
  await runAll(signal, assemble({ options: { ...options, nodeName }, kernel, version: packageJson.version, logger }))
}

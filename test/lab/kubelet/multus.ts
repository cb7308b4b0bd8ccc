import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Pod } from '#runtime/resources.ts'
import { run } from '../processes.ts'
import { builtTool, checkout } from '../tools.ts'
import type { NodeContext } from './node-context.ts'

const networksAnnotation = 'k8s.v1.cni.cncf.io/networks'

export type Sandbox = { namespace: string; address: string }

/** Secondary networks of pods: the real Multus, which calls the plugin that a NetworkAttachmentDefinition names. */
export class Multus {
  readonly #context: NodeContext

  constructor(context: NodeContext) {
    this.#context = context
  }

  static isWanted(pod: Pod): boolean {
    return Boolean(pod.metadata?.annotations?.[networksAnnotation]) && pod.spec?.hostNetwork !== true
  }

  /** Attaches a pod; throws with what the plugin said. A failed attempt is undone. */
  async add(pod: Pod, sandbox: Sandbox): Promise<void> {
    try {
      await this.#call('ADD', pod, sandbox)
    } catch (error) {
      // A plugin that fails half-way leaves its interfaces behind.
      await this.delete(pod, sandbox).catch(() => {})
      throw error
    }
  }

  async delete(pod: Pod, sandbox: Sandbox): Promise<void> {
    await this.#call('DEL', pod, sandbox)
  }

  async #call(command: 'ADD' | 'DEL', pod: Pod, { namespace, address }: Sandbox): Promise<void> {
    const { root, kubeconfig } = this.#context
    const { name = '', namespace: podNamespace = '', uid = '' } = pod.metadata ?? {}
    const plugins = [dirname(builtTool('cni/bridge')), join(checkout, 'test', 'lab', 'cni')]
    const cniDir = join(root, 'var', 'lib', 'cni', 'multus')
    await mkdir(cniDir, { recursive: true })
    const configuration = {
      cniVersion: '0.3.1',
      name: 'laboratory',
      type: 'multus',
      kubeconfig,
      cniDir,
      binDir: plugins[0],
      logLevel: 'error',
      logFile: join(root, 'var', 'log', 'multus.log'),
      delegates: [{ cniVersion: '0.3.1', name: 'lab-default', type: 'lab-default', address: `${address}/32` }],
    }
    await mkdir(dirname(configuration.logFile), { recursive: true })
    // In the node's network namespace: the bridge plugin works on the bridges of the namespace that it is in.
    const { code, stdout, stderr } = await run([builtTool('multus')], {
      namespace: this.#context.namespace,
      input: JSON.stringify(configuration),
      timeoutMs: 60_000,
      env: {
        PATH: process.env.PATH,
        CNI_COMMAND: command,
        CNI_CONTAINERID: uid,
        CNI_NETNS: `/run/netns/${namespace}`,
        // Not eth0: Multus refuses a name that exists, and the kubelet has made eth0 already.
        CNI_IFNAME: 'lab0',
        CNI_PATH: plugins.join(':'),
        CNI_ARGS: [
          'IgnoreUnknown=true',
          `K8S_POD_NAMESPACE=${podNamespace}`,
          `K8S_POD_NAME=${name}`,
          `K8S_POD_INFRA_CONTAINER_ID=${uid}`,
          `K8S_POD_UID=${uid}`,
        ].join(';'),
      },
    })
    if (code !== 0)
      throw new Error(`Multus ${command} failed: ${cniMessage(stdout) ?? (stderr.trim() || `code ${code}`)}`)
  }
}

// Plugins report errors as JSON on standard output.
const cniMessage = (stdout: string): string | undefined => {
  try {
    const { msg, details } = JSON.parse(stdout) as { msg?: string; details?: string }
    return msg && details ? `${msg}: ${details}` : msg
  } catch {
    return undefined
  }
}

// Nodes, agents and VMs as namespaces on one underlay, for the tests of the agent: call `enterTestNamespace` first.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bridgeDevice } from '#crds/names.ts'
import { sha256 } from '#runtime/digest.ts'
import { BPFFS, ip, objectPath, run } from '../kernel/test-namespace.ts'
import { API_ADDRESS } from './test-underlay.ts'

const main = join(import.meta.dirname, '../main.ts')

const kubeconfig = (apiPort: number): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server: `http://${API_ADDRESS}:${apiPort}` } }],
    users: [{ name: 'test', user: {} }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  })

export type TestVm = {
  name: string
  node: TestNode
  network: string
  namespace: string
  mac: string
  address: string
  podUID: string
}

/** A node: its network namespace, its agent's folders, and the agent as a process. */
export class TestNode {
  readonly name: string
  readonly index: number
  #agent: ChildProcess | undefined
  #output = ''

  constructor(index: number, apiPort: number) {
    this.name = `node-${index}`
    this.index = index
    run('ip', 'netns', 'add', this.name)
    ip(`link add name eth0 netns ${this.name} mtu 1600 type veth peer name u${index}`)
    ip(`link set dev u${index} mtu 1600 master underlay up`)
    for (const line of [
      'link set dev lo up',
      `address add ${this.address}/24 dev eth0`,
      `address add fd09::${index}/64 dev eth0 nodad`,
      'link set dev eth0 up',
    ])
      this.ip(line)
    for (const folder of [this.#folder, this.#results]) mkdirSync(folder, { recursive: true })
    writeFileSync(`${this.#folder}/kubeconfig`, kubeconfig(apiPort))
  }

  get address(): string {
    return `10.9.0.${this.index}`
  }

  get #folder(): string {
    return `/run/${this.name}`
  }

  /** Where the agent pins programs, maps and links. */
  get pins(): string {
    return `${BPFFS}/${this.name}`
  }

  get #results(): string {
    return `${this.#folder}/results`
  }

  /** What the agent has said: for messages of failed tests. */
  get output(): string {
    return this.#output
  }

  ip(line: string): string {
    return run('ip', '-n', this.name, ...line.split(' '))
  }

  exec(...argv: [string, ...string[]]): string {
    return run('nsenter', `--net=/run/netns/${this.name}`, ...argv)
  }

  #argv(object: string): string[] {
    const flags = {
      'node-name': this.name,
      'node-ip': this.address,
      kubeconfig: `${this.#folder}/kubeconfig`,
      'cni-results': this.#results,
      'state-dir': `${this.#folder}/state`,
      'bpf-dir': this.pins,
      'bpf-object': object,
      'health-port': '14790',
      'log-level': 'debug',
    }
    return [main, ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)]
  }

  startAgent(object = objectPath): void {
    const argv = [`--net=/run/netns/${this.name}`, process.execPath, ...this.#argv(object)]
    const agent = spawn('nsenter', argv, { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [agent.stdout, agent.stderr]) stream.on('data', (chunk) => (this.#output += chunk))
    this.#agent = agent
  }

  /** Ends the agent and waits for it: SIGKILL as in a crash. `nsenter` replaces itself by the agent, so the signal meets it. */
  async stopAgent(signal: NodeJS.Signals): Promise<number | null> {
    const agent = this.#agent
    if (!agent || agent.exitCode !== null || agent.signalCode !== null) return agent?.exitCode ?? null
    const closed = once(agent, 'close')
    agent.kill(signal)
    await closed
    return agent.exitCode
  }

  cleanup(): string {
    return this.exec(process.execPath, ...this.#argv(objectPath), '--cleanup')
  }

  isUp(device: string): boolean {
    const [{ flags }] = JSON.parse(this.ip(`-j link show dev ${device}`)) as [{ flags: string[] }]
    return flags.includes('UP')
  }

  metrics(): string {
    return this.exec('curl', '-s', '--max-time', '5', 'http://127.0.0.1:14790/metrics')
  }

  isReady(): boolean {
    try {
      return this.exec('curl', '-s', '--max-time', '5', 'http://127.0.0.1:14790/readyz').endsWith('ok\n')
    } catch {
      return false
    }
  }

  readState(): { spec?: { serial?: number } } {
    return JSON.parse(readFileSync(`${this.#folder}/state/desired.json`, 'utf8'))
  }

  /** Writes what libcni would cache for a VM. */
  writeResult(vm: TestVm, hostInterface: string): void {
    const bridge = bridgeDevice(vm.network, sha256)
    const config = { cniVersion: '0.3.1', name: 'blue', type: 'bridge', bridge }
    const cached = {
      kind: 'cniCacheV1',
      containerId: vm.podUID,
      config: Buffer.from(JSON.stringify(config)).toString('base64'),
      ifName: 'net1',
      networkName: 'blue',
      cniArgs: [
        ['IgnoreUnknown', 'true'],
        ['K8S_POD_NAMESPACE', vm.namespace],
        ['K8S_POD_NAME', vm.name],
        ['K8S_POD_UID', vm.podUID],
      ],
      result: {
        cniVersion: '0.3.1',
        interfaces: [
          { name: bridge, mac: '02:ff:00:00:00:01' },
          { name: hostInterface, mac: '02:ff:00:00:00:02' },
          { name: 'net1', mac: vm.mac, sandbox: `/run/netns/${vm.name}` },
        ],
      },
    }
    writeFileSync(join(this.#results, `blue-${vm.podUID}-net1`), JSON.stringify(cached))
  }

  /** Takes all programs off, as somebody might. The answer: whether there are as many again (the inlet is made anew). */
  detachAll(): () => boolean {
    const attached = (): string[] => globSync(`${this.pins}/links/*`)
    const before = attached()
    for (const pin of before) rmSync(pin)
    return () => attached().length === before.length
  }

  removeResult(vm: TestVm): void {
    rmSync(join(this.#results, `blue-${vm.podUID}-net1`), { force: true })
  }

  /** Devices, disciplines, filters, tables, pins and files: everything that the agent could leave behind. */
  snapshot(): unknown {
    const links = JSON.parse(this.exec('ip', '-d', '-j', 'address', 'show')) as Record<string, unknown>[]
    const filters = links.flatMap(({ ifname }) =>
      ['ingress', 'egress'].map((side) => this.exec('tc', '-j', 'filter', 'show', 'dev', String(ifname), side).trim()),
    )
    return {
      links: links.map(({ ifname, flags, mtu, master, linkinfo, addr_info }) => {
        const { info_kind, info_slave_data } = (linkinfo ?? {}) as Record<string, unknown>
        const ports = (info_slave_data as { isolated?: boolean } | undefined)?.isolated
        const addresses = (addr_info as { local: string }[]).map(({ local }) => local)
        return { ifname, flags, mtu, master, info_kind, ports, addresses }
      }),
      disciplines: this.exec('tc', 'qdisc', 'show').split('\n').sort(),
      filters: filters.filter((text) => text !== '[]'),
      tables: this.exec('nft', 'list', 'ruleset'),
      pins: run('find', BPFFS, '-path', `*${this.name}*`),
      files: run('find', this.#folder, '-path', '*state*'),
    }
  }
}

/** Makes the VM as the bridge plugin does: the bridge if it is missing, a pair of interfaces, the cached result. */
export const startVm = (vm: TestVm): void => {
  const { node, name } = vm
  const bridge = bridgeDevice(vm.network, sha256)
  const host = `veth${name.replace('-', '')}`
  if (!node.ip('-br link show').includes(bridge)) {
    node.ip(`link add name ${bridge} type bridge`)
    node.ip(`link set dev ${bridge} up`)
  }
  run('ip', 'netns', 'add', name)
  run('nsenter', `--net=/run/netns/${name}`, 'sysctl', '-qw', 'net.ipv6.conf.default.accept_dad=0')
  ip(`link add name net1 netns ${name} mtu 1400 address ${vm.mac} type veth peer name ${host} netns ${node.name}`)
  node.ip(`link set dev ${host} mtu 1400 master ${bridge} up`)
  node.writeResult(vm, host)
  const [, last] = vm.address.split('10.20.0.')
  for (const line of [
    'link set dev lo up',
    'link set dev net1 up',
    `address add ${vm.address}/24 dev net1`,
    `address add fd20::${last}/64 dev net1 nodad`,
  ])
    run('ip', '-n', name, ...line.split(' '))
}

export const stopVm = (vm: TestVm): void => {
  run('ip', 'netns', 'delete', vm.name)
  vm.node.removeResult(vm)
}

export type PingResult = { sent: number; received: number; duplicates: number }

/** A stream of echo requests, one each `intervalMs`; resolves when it has ended. */
export const ping = async (from: TestVm, to: string, count: number, intervalMs: number): Promise<PingResult> => {
  const options = ['-q', '-c', String(count), '-i', String(intervalMs / 1000), '-W', '2', to]
  const child = spawn('nsenter', [`--net=/run/netns/${from.name}`, 'ping', ...options])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  await once(child, 'close')
  const number = (pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? 0)
  return {
    sent: number(/(\d+) packets transmitted/),
    received: number(/(\d+) received/),
    duplicates: number(/\+(\d+) duplicates/),
  }
}

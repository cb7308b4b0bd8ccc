// Networks and VMs of tests, from as few words as possible.
import { stringify } from 'yaml'
import type { Laboratory } from '#test/lab/lab.ts'
import type { LabCluster } from '#test/lab/lab-cluster.ts'
import type { Vm } from '#test/lab/vm.ts'

export type NetworkOptions = {
  name: string
  namespace?: string
  clusters?: string[]
  spec?: object
  labels?: Record<string, string>
}

/** Makes the namespace in every cluster, with the consent that members ask for. */
export const createNamespace = async (lab: Laboratory, name: string): Promise<void> => {
  const yaml = stringify({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'vnet.dev/stretch': 'allow' } },
  })
  await Promise.all(lab.clusters.map((cluster) => cluster.apply(yaml)))
}

/** Applies a VirtualNetwork on the hub and waits until it is ready. */
export const createNetwork = async (hub: LabCluster, options: NetworkOptions): Promise<void> => {
  const { name, namespace = 'team-a', clusters = ['east', 'west'], spec = {}, labels = {} } = options
  await hub.apply(
    stringify({
      apiVersion: 'vnet.dev/v1alpha1',
      kind: 'VirtualNetwork',
      metadata: { name, namespace, labels },
      spec: { clusters, ...spec },
    }),
  )
  await waitForNetwork(hub, `${namespace}/${name}`)
}

/** Resolves when the newest spec of a network is in force everywhere; otherwise fails with what its conditions say. */
export const waitForNetwork = async (hub: LabCluster, network: string, timeoutSeconds = 120): Promise<void> => {
  const [namespace = '', name = ''] = network.split('/')
  try {
    await hub.kubectl(
      ['wait', '-n', namespace, `vnet/${name}`, '--for=condition=Ready', `--timeout=${timeoutSeconds}s`],
      { timeoutMs: (timeoutSeconds + 10) * 1000 },
    )
  } catch (cause) {
    throw new Error(
      `network ${network} did not become ready: ${await hub.kubectl(['get', '-n', namespace, 'vnet', name, '-o', 'jsonpath={.status}'])}`,
      { cause },
    )
  }
}

export type VmOptions = {
  cluster: string
  node: string
  name: string
  network?: string
  namespace?: string
  number: number
}

/** The manifest of a VM with the MAC address 02:00:00:00:00:NN and the addresses 10.20.0.NN and fd00:20::NN. */
export const vmManifest = ({ node, name, network = 'blue', namespace = 'team-a', number }: VmOptions): object => {
  const hex = number.toString(16).padStart(2, '0')
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: { app: name },
      annotations: {
        'k8s.v1.cni.cncf.io/networks': JSON.stringify([
          {
            name: network.split('/').at(-1),
            namespace: network.includes('/') ? network.split('/')[0] : namespace,
            mac: `02:00:00:00:00:${hex}`,
          },
        ]),
      },
    },
    spec: {
      nodeSelector: { 'kubernetes.io/hostname': node },
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'vm',
          image: 'vnet.dev/lab-vm',
          env: [{ name: 'VM_ADDRESSES', value: `10.20.0.${number}/24 fd00:20::${number}/64` }],
        },
      ],
    },
  }
}

/** Starts VMs and resolves when their interfaces are up. */
export const createVms = async (lab: Laboratory, vms: VmOptions[]): Promise<Vm[]> => {
  for (const cluster of lab.clusters) {
    const manifests = vms.filter((vm) => vm.cluster === cluster.name).map((vm) => stringify(vmManifest(vm)))
    if (manifests.length > 0) await cluster.apply(manifests.join('---\n'))
  }
  return await Promise.all(
    vms.map(({ cluster, name, namespace = 'team-a' }) => lab.vm(cluster, `${namespace}/${name}`)),
  )
}

/** IPv4 address of the VM with this number. */
export const addressOf = (number: number): string => `10.20.0.${number}`

/** The four VMs of most tests: one on each node of two clusters with two nodes. */
export const fourVms = (network = 'blue', namespace = 'team-a'): VmOptions[] =>
  [
    { cluster: 'east', node: 'node-1', name: 'alice', number: 1 },
    { cluster: 'east', node: 'node-2', name: 'bob', number: 2 },
    { cluster: 'west', node: 'node-1', name: 'carol', number: 3 },
    { cluster: 'west', node: 'node-2', name: 'dave', number: 4 },
  ].map((vm) => ({ ...vm, network, namespace }))

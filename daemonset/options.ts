import { join } from 'node:path'
import { SYSTEM_NAMESPACE } from '#crds/group.ts'
import { defineOptions } from '#runtime/options.ts'
import { FAST_PATH_MODES } from './desired/fast-path.ts'

export const agentOptions = defineOptions({
  command: 'vnet-agent',
  description: 'Programs the overlay into the kernel of one node, and keeps it so.',
  flags: {
    'node-name': { type: 'string', env: 'NODE_NAME', description: 'Name of the Node object of this machine.' },
    'node-ip': {
      type: 'list',
      env: 'NODE_IP',
      description:
        'Addresses by which other nodes know this one. Omitted: those of the interface with the default route.',
    },
    'node-uid': { type: 'string', env: 'NODE_UID', description: 'UID of the Node object. Omitted: it is read.' },
    namespace: {
      type: 'string',
      default: SYSTEM_NAMESPACE,
      env: 'POD_NAMESPACE',
      description: 'Namespace of NodeBridge and NetworkEndpointSlice objects.',
    },
    kubeconfig: { type: 'string', description: 'Access to the cluster; in a pod its service account is used.' },
    'cni-results': {
      type: 'list',
      default: ['/var/lib/cni/multus/results', '/var/lib/cni/results'],
      description: 'Folders with the cached results of CNI plugins.',
    },
    'state-dir': { type: 'string', default: '/run/vnet', description: 'Folder of what the agent must remember.' },
    'bpf-dir': {
      type: 'string',
      default: '/sys/fs/bpf/vnet',
      description: 'Folder of pinned programs and maps; without a bpffs there, one is mounted.',
    },
    'bpf-object': {
      type: 'string',
      default: join(import.meta.dirname, '../build/bpf/vnet.bpf.o'),
      description: 'Compiled eBPF object.',
    },
    'udp-port': {
      type: 'integer',
      minimum: 1,
      maximum: 65535,
      description: 'UDP port of the overlay, instead of the one that the hub names.',
    },
    'fast-path': {
      type: 'string',
      choices: FAST_PATH_MODES,
      default: 'Auto',
      description:
        'Whether frames may pass by the VXLAN device. Strict: not where a rule of the host firewall would not see them.',
    },
    'underlay-interface': {
      type: 'string',
      description: 'Interface towards the other nodes. Omitted: the one that has --node-ip.',
    },
    'health-host': { type: 'string', default: '::', description: 'Address of the health and metrics server.' },
    'health-port': {
      type: 'integer',
      minimum: 0,
      maximum: 65535,
      default: 14790,
      description: 'Its port, with /livez, /readyz and /metrics; 0: any free one.',
    },
    'log-level': {
      type: 'string',
      choices: ['debug', 'info', 'warn', 'error'],
      default: 'info',
      description: 'What is logged.',
    },
    cleanup: {
      type: 'boolean',
      description: 'Remove all that the agent made on this node, and end. The agent must not be running.',
    },
  },
})

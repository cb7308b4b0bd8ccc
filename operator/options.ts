import { SYSTEM_NAMESPACE } from '#crds/group.ts'
import { defineOptions } from '#runtime/options.ts'
import { HUB_SECRET } from './member/hub-secrets.ts'

export const operatorOptions = defineOptions({
  command: 'vnet-operator',
  description:
    'Operator of the overlay. Role hub turns networks into what each node must program; role member serves the cluster that it runs in.',
  flags: {
    roles: {
      type: 'list',
      choices: ['hub', 'member'],
      default: ['hub', 'member'],
      description: 'What this process does. The hub runs in one cluster, a member in each, the hub cluster included.',
    },
    cluster: { type: 'string', required: true, description: 'Name of this cluster in the overlay.' },
    namespace: {
      type: 'string',
      default: SYSTEM_NAMESPACE,
      env: 'POD_NAMESPACE',
      description: 'Namespace of the operator, the node agents and their objects.',
    },
    identity: { type: 'string', env: 'POD_NAME', description: 'Name of this process in Leases and events.' },
    kubeconfig: { type: 'string', description: 'Access to this cluster; in a pod its service account is used.' },
    'hub-kubeconfig-secret': {
      type: 'string',
      choices: [HUB_SECRET],
      description: 'Secret with the access to the hub. Omitted: the hub is this cluster.',
    },
    'udp-port': {
      type: 'integer',
      minimum: 1,
      maximum: 65535,
      default: 14789,
      description: 'UDP port of the overlay on every node (role hub).',
    },
    'health-host': { type: 'string', default: '::', description: 'Address of the health and metrics server.' },
    'health-port': {
      type: 'integer',
      minimum: 0,
      maximum: 65535,
      default: 8081,
      description: 'Port of /livez, /readyz and /metrics; 0 takes any free one.',
    },
    'lease-duration': {
      type: 'duration',
      default: '15s',
      description: 'After this time without renewal another replica takes over.',
    },
    'log-level': {
      type: 'string',
      choices: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
      default: 'info',
      description: 'Least severity that is logged.',
    },
  },
})

import { cacheFolder, checkout } from '#test/lab/tools.ts'

/** What to try while the demo stays up: `east` and `west` are kubeconfigs, `carol` the network namespace of a VM. */
export const playText = ({ east, west, carol }: { east: string; west: string; carol: string }): string => `
The clusters stay up until Ctrl-C, which removes everything. In another shell, first:

  export PATH=${checkout}/build/bin:${cacheFolder()}/bin:$PATH EAST=${east} WEST=${west}

Five things to try:

  1. Is everything well?          KUBECONFIG=$EAST kubectl vnet status
  2. Talk from VM to VM.          ip netns exec ${carol} ping -c 3 10.20.0.1
  3. Change the topology live.    KUBECONFIG=$EAST kubectl -n team-a patch vnet blue --type merge -p '{"spec":{"topology":{"type":"Star","star":{"hubs":{"cluster":"east"}}}}}'
                                  KUBECONFIG=$EAST kubectl vnet path carol dave -n team-a
  4. Take the operator away.      KUBECONFIG=$EAST kubectl -n vnet-system scale deployment vnet-operator --replicas 0
                                  (the ping goes on; scale it to 2 again)
  5. Err, and see what it says.   KUBECONFIG=$EAST kubectl -n team-a patch vnet blue --type merge -p '{"spec":{"topology":{"type":"Star"}}}'
`

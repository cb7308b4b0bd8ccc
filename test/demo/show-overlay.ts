import type { LabCluster } from '#test/lab/lab-cluster.ts'

const show = async (hub: LabCluster, args: string[]): Promise<void> => {
  console.log(`\n$ kubectl ${args.join(' ')}`)
  console.log((await hub.kubectl(args)).trimEnd())
}

/** What a user would look at first. */
export const showOverlay = async (hub: LabCluster): Promise<void> => {
  await show(hub, ['get', 'vnet,olink,nbridge,mcluster', '-A'])
  await show(hub, ['vnet', 'topology'])
  await show(hub, ['vnet', 'path', 'alice', 'carol', '-n', 'team-a'])
}

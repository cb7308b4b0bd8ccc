// What our client relies on, against the real API server: the suites of runtime/*.conformance.ts, which the fake one passes as well.
import type { Connection } from '#runtime/conformance-server.ts'
import { KubeClient } from '#runtime/kube-client.ts'
import { loadKubeConfig } from '#runtime/kube-config.ts'
import { describeRequests } from '#runtime/requests.conformance.ts'
import { describeWatches } from '#runtime/watches.conformance.ts'
import { ControlPlane, freePort } from '#test/lab/control-plane.ts'
import { RunState } from '#test/lab/run-state.ts'
import { removeRun } from '#test/lab/sweep.ts'

/** An API server for each suite, so that each begins with nothing and none waits for another's end. */
const connect = async (): Promise<Connection> => {
  const state = RunState.create()
  const plane = new ControlPlane(state, { cluster: 'east', port: await freePort(new Set()) })
  plane.apiServer.start()
  await plane.ready()
  const clients: KubeClient[] = []
  return {
    client: (fieldManager) => {
      const client = new KubeClient({ config: loadKubeConfig({ path: plane.kubeconfig }), fieldManager })
      clients.push(client)
      return client
    },
    stop: async () => {
      for (const client of clients) client.close()
      await plane.stop()
      await removeRun(state)
    },
  }
}

describeRequests('requests to the real API server', connect)
describeWatches('watches of the real API server', connect)

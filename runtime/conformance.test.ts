// The conformance suites against the fake API server and, when VNET_TEST_KUBECONFIG names a kubeconfig, against that server.

import type { Connection } from './conformance-server.ts'
import { FakeApiServer } from './fake-api-server.ts'
import { KubeClient } from './kube-client.ts'
import { loadKubeConfig } from './kube-config.ts'
import { describeRequests } from './requests.conformance.ts'
import { describeWatches } from './watches.conformance.ts'

const connectFake = async (): Promise<Connection> => {
  const server = await FakeApiServer.start()
  server.compact()
  return { client: (fieldManager) => server.client({ fieldManager }), stop: () => server.stop() }
}

const connectReal = (path: string) => async (): Promise<Connection> => {
  const clients: KubeClient[] = []
  return {
    client: (fieldManager) => {
      const client = new KubeClient({ config: loadKubeConfig({ path }), fieldManager })
      clients.push(client)
      return client
    },
    stop: async () => {
      for (const client of clients) client.close()
    },
  }
}

describeRequests('requests to the fake API server', connectFake)
describeWatches('watches of the fake API server', connectFake)

const kubeconfig = process.env.VNET_TEST_KUBECONFIG
if (kubeconfig) {
  describeRequests('requests to a real API server', connectReal(kubeconfig))
  describeWatches('watches of a real API server', connectReal(kubeconfig))
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { stringify } from 'yaml'
import { FakeApiServer } from './fake-api-server.ts'
import { KubeClient } from './kube-client.ts'
import { loadKubeConfig, loadRemoteKubeConfig } from './kube-config.ts'
import { Nodes } from './resources.ts'

type Entry = Record<string, unknown>

const kubeconfig = ({ user = { token: 'secret' } as Entry, cluster = {} as Entry, name = 'a' } = {}): string =>
  stringify({
    'current-context': name,
    clusters: [{ name, cluster: { server: 'https://hub.example:6443/', ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'x' } }],
  })

const local = suite<{ folder: string }>('the kubeconfig of the process itself')
local.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'vnet-config-'))
})
local.after.each(({ folder }) => rmSync(folder, { recursive: true }))

local('reads files relative to its own, anew for each request', async ({ folder }) => {
  const path = join(folder, 'config')
  writeFileSync(path, kubeconfig({ user: { tokenFile: 'token' }, cluster: { 'certificate-authority': 'ca.crt' } }))
  const config = loadKubeConfig({ path })
  assert.is(config.getCurrentCluster()?.server, 'https://hub.example:6443')
  for (const generation of ['1', '2']) {
    writeFileSync(join(folder, 'token'), `token ${generation}\n`)
    writeFileSync(join(folder, 'ca.crt'), `ca ${generation}`)
    const { headers, ca } = await config.requestOptions()
    assert.equal([headers, String(ca)], [{ authorization: `Bearer token ${generation}` }, `ca ${generation}`])
  }
})

local('decodes embedded data, basic authentication, impersonation and the name to verify', async ({ folder }) => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const path = join(folder, 'config')
  const user = {
    username: 'u',
    password: 'p',
    as: 'someone',
    'client-certificate-data': base64('cert'),
    'client-key-data': base64('key'),
  }
  const cluster = { 'certificate-authority-data': base64('ca'), 'tls-server-name': 'inner' }
  writeFileSync(path, kubeconfig({ user, cluster }))
  const { ca, cert, key, ...rest } = await loadKubeConfig({ path }).requestOptions()
  assert.equal([ca, cert, key].map(String), ['ca', 'cert', 'key'])
  assert.equal(rest, {
    headers: { authorization: `Basic ${base64('u:p')}`, 'impersonate-user': 'someone' },
    servername: 'inner',
  })
})

local('leaves exec plug-ins to client-node', async ({ folder }) => {
  const server = await FakeApiServer.start()
  const credential = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: 'made' },
  }
  const exec = {
    apiVersion: credential.apiVersion,
    command: process.execPath,
    args: ['-e', `console.log(${JSON.stringify(JSON.stringify(credential))})`],
  }
  const path = join(folder, 'config')
  writeFileSync(path, kubeconfig({ user: { exec }, cluster: { server: server.url, 'insecure-skip-tls-verify': true } }))
  const client = new KubeClient({ config: loadKubeConfig({ path }), fieldManager: 'test' })
  await client.list(Nodes)
  assert.is(server.requests[0]?.headers.authorization, 'Bearer made')
  client.close()
  await server.stop()
})

local('merges the files of KUBECONFIG, the first entry of a name counting', ({ folder }) => {
  const [first, second] = [join(folder, 'one'), join(folder, 'two')]
  writeFileSync(first, kubeconfig({ name: 'a' }))
  writeFileSync(second, kubeconfig({ name: 'b', cluster: { server: 'https://other' } }))
  const env = { KUBECONFIG: `${first}:${second}` }
  assert.is(loadKubeConfig({ env }).getCurrentContext(), 'a')
  assert.is(loadKubeConfig({ env, context: 'b' }).getCurrentCluster()?.server, 'https://other')
  assert.throws(() => loadKubeConfig({ env, context: 'c' }), /context "c" .* contexts are: a, b/)
})

local('uses the service account of a pod, and says what to do where there is none', async ({ folder }) => {
  for (const file of ['token', 'ca.crt', 'namespace']) writeFileSync(join(folder, file), `the ${file}\n`)
  const env = { HOME: folder, KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' }
  const config = loadKubeConfig({ env, serviceAccountFolder: folder })
  assert.is(config.getCurrentCluster()?.server, 'https://[fd00::1]:443')
  assert.is(config.getContextObject(config.getCurrentContext())?.namespace, 'the namespace')
  assert.equal((await config.requestOptions()).headers, { authorization: 'Bearer the token' })
  assert.throws(() => loadKubeConfig({ env: { HOME: folder } }), /no cluster is configured: pass --kubeconfig/)
  assert.throws(() => loadKubeConfig({ path: join(folder, 'none') }), /kubeconfig .*none could not be loaded: ENOENT/)
})

local.run()

const remote = suite('the kubeconfig of another cluster')

remote('is accepted with embedded credentials', () => {
  const config = loadRemoteKubeConfig(kubeconfig())
  assert.equal(
    [config.getCurrentCluster()?.server, config.getCurrentUser()?.token],
    ['https://hub.example:6443', 'secret'],
  )
})

const refusals: [string, Parameters<typeof kubeconfig>[0], RegExp][] = [
  [
    'a program',
    { user: { exec: { command: 'sh' } } },
    /user "a" uses "exec", which is refused: it would run a program/,
  ],
  ['an auth provider', { user: { 'auth-provider': { name: 'oidc' } } }, /"auth-provider".* plug-in/],
  ['a token file', { user: { tokenFile: '/etc/shadow' } }, /"tokenFile".* embed the data instead/],
  ['a certificate file', { user: { 'client-certificate': '/x' } }, /"client-certificate"/],
  ['a key file', { user: { 'client-key': '/x' } }, /"client-key"/],
  [
    'a CA file',
    { cluster: { 'certificate-authority': '/x' } },
    /"certificate-authority".*use certificate-authority-data/,
  ],
  ['no verification', { cluster: { 'insecure-skip-tls-verify': true } }, /"insecure-skip-tls-verify"/],
  [
    'plain HTTP',
    { cluster: { server: 'http://hub' } },
    /needs a server that starts with https:\/\/, got "http:\/\/hub"/,
  ],
]
for (const [what, fields, message] of refusals)
  remote(`is refused with ${what}`, () => {
    assert.throws(() => loadRemoteKubeConfig(kubeconfig(fields)), message)
  })

remote('is refused when it is no kubeconfig, or names nothing', () => {
  assert.throws(() => loadRemoteKubeConfig('{ "a": '), /the text is not YAML/)
  assert.throws(() => loadRemoteKubeConfig('hello'), /not a kubeconfig/)
  assert.throws(() => loadRemoteKubeConfig('{}'), /current-context "" must name a cluster and a user/)
})

remote.run()

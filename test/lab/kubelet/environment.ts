import type { KubeClient } from '#runtime/kube-client.ts'
import { ConfigMaps, type Pod, Secrets } from '#runtime/resources.ts'
import { type PodPlace, podField, resourceField } from './pod-fields.ts'

export type ContainerSpec = NonNullable<Pod['spec']>['containers'][number]

type Sources = { client: KubeClient; pod: Pod; place: PodPlace; apiPort: number }

/**
 * The environment of a container: that of the image, the API server's address, envFrom, env; later entries win. Throws when
 * a ConfigMap, Secret or key is missing that is not optional.
 */
export const containerEnvironment = async (
  container: ContainerSpec,
  base: Record<string, string>,
  sources: Sources,
): Promise<Record<string, string>> => {
  const { pod, place, apiPort } = sources
  const environment: Record<string, string> = {
    ...base,
    HOSTNAME: pod.metadata?.name ?? '',
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: String(apiPort),
    KUBERNETES_SERVICE_PORT_HTTPS: String(apiPort),
  }
  for (const { configMapRef, secretRef, prefix = '' } of container.envFrom ?? []) {
    const values = configMapRef
      ? await configMapData(sources, configMapRef.name ?? '', configMapRef.optional)
      : await secretData(sources, secretRef?.name ?? '', secretRef?.optional)
    for (const [key, value] of Object.entries(values ?? {})) environment[`${prefix}${key}`] = value.toString()
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (!valueFrom) environment[name] = expand(value ?? '', environment)
    else if (valueFrom.fieldRef) environment[name] = podField(pod, place, valueFrom.fieldRef.fieldPath)
    else if (valueFrom.resourceFieldRef) {
      const { resource, divisor } = valueFrom.resourceFieldRef
      environment[name] = resourceField(container, resource, divisor && divisor !== '0' ? divisor : '1')
    } else {
      const found = await keyedValue(sources, valueFrom)
      if (found !== undefined) environment[name] = found
    }
  }
  return environment
}

type ValueFrom = NonNullable<NonNullable<ContainerSpec['env']>[number]['valueFrom']>

const keyedValue = async (sources: Sources, valueFrom: ValueFrom): Promise<string | undefined> => {
  const { configMapKeyRef, secretKeyRef } = valueFrom
  const reference = configMapKeyRef ?? secretKeyRef
  if (!reference) throw new Error(`an environment variable has a source that the laboratory does not know`)
  const read = configMapKeyRef ? configMapData : secretData
  const values = await read(sources, reference.name ?? '', reference.optional)
  const value = values?.[reference.key]
  if (value === undefined && !reference.optional) {
    throw new Error(
      `couldn't find key ${reference.key} in ${configMapKeyRef ? 'ConfigMap' : 'Secret'} ${reference.name}`,
    )
  }
  return value?.toString()
}

type ObjectSource = { client: KubeClient; pod: Pod }

/** Keys and bytes of a ConfigMap of the pod's namespace; undefined when it is absent and may be. */
export const configMapData = async (
  { client, pod }: ObjectSource,
  name: string,
  optional = false,
): Promise<Record<string, Buffer> | undefined> => {
  const object = await client.find(ConfigMaps, { name, namespace: pod.metadata?.namespace })
  if (!object) return absent('configmap', name, optional)
  return {
    ...mapValues(object.data ?? {}, (text) => Buffer.from(text)),
    ...mapValues(object.binaryData ?? {}, (text) => Buffer.from(text, 'base64')),
  }
}

/** Keys and bytes of a Secret of the pod's namespace; undefined when it is absent and may be. */
export const secretData = async (
  { client, pod }: ObjectSource,
  name: string,
  optional = false,
): Promise<Record<string, Buffer> | undefined> => {
  const object = await client.find(Secrets, { name, namespace: pod.metadata?.namespace })
  return object ? mapValues(object.data ?? {}, (text) => Buffer.from(text, 'base64')) : absent('secret', name, optional)
}

const absent = (kind: string, name: string, optional: boolean): undefined => {
  if (!optional) throw new Error(`${kind} "${name}" not found`)
  return undefined
}

const mapValues = (map: Record<string, string>, convert: (text: string) => Buffer): Record<string, Buffer> =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, convert(value)]))

/** `$(NAME)` of a variable that is known; `$$` is a dollar sign; anything else stays. */
export const expand = (text: string, variables: Record<string, string>): string =>
  text.replace(/\$(\$|\(([A-Za-z_.-][A-Za-z0-9_.-]*)\))/g, (whole, escaped: string, name: string | undefined) =>
    escaped === '$' ? '$' : (variables[name ?? ''] ?? whole),
  )

{{/* What the agent and its clean-up share of a pod. */}}
{{- define "vnet.agentPod" -}}
serviceAccountName: vnet-agent
hostNetwork: true
priorityClassName: system-node-critical
terminationGracePeriodSeconds: 10
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.agent.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.agent.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: state
    hostPath: {path: /run/vnet, type: DirectoryOrCreate}
  - name: bpf
    hostPath: {path: /sys/fs/bpf, type: Directory}
  - name: cni
    hostPath: {path: {{ .Values.agent.cniDirectory }}, type: DirectoryOrCreate}
{{- end -}}

{{- define "vnet.agentContainer" -}}
image: {{ include "vnet.agentImage" . }}
imagePullPolicy: {{ .Values.agent.image.pullPolicy }}
env:
  - name: NODE_NAME
    valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
  - name: NODE_IP
    valueFrom: {fieldRef: {fieldPath: status.hostIP}}
  - name: POD_NAMESPACE
    valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
# Programs in the kernel, devices and a mount on the host: what a network agent cannot do without.
securityContext: {privileged: true}
volumeMounts:
  - {name: state, mountPath: /run/vnet}
  - {name: bpf, mountPath: /sys/fs/bpf, mountPropagation: Bidirectional}
  - {name: cni, mountPath: /var/lib/cni, readOnly: true}
{{- end -}}

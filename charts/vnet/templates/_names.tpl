{{/* Labels that every object carries; no value depends on time or chance, so that two renderings are equal. */}}
{{- define "vnet.labels" -}}
app.kubernetes.io/name: vnet
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* Labels by which a workload finds its pods: (dict "root" . "component" "agent") */}}
{{- define "vnet.selector" -}}
app.kubernetes.io/name: vnet
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "vnet.operatorImage" -}}
{{ .Values.operator.image.repository }}:{{ .Values.operator.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "vnet.agentImage" -}}
{{ .Values.agent.image.repository }}:{{ .Values.agent.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "vnet.operatorUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:vnet-operator
{{- end -}}

{{- define "vnet.uninstallUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:vnet-uninstall
{{- end -}}

{{- define "vnet.agentUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:vnet-agent
{{- end -}}

{{/* A hook that runs before the release is deleted: (dict "weight" 0) */}}
{{- define "vnet.cleanupHook" -}}
helm.sh/hook: pre-delete
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

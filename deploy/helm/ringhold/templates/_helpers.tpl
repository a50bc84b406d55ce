{{- define "ringhold.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "ringhold.labels" -}}
app.kubernetes.io/name: ringhold
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "ringhold.selector" -}}
app.kubernetes.io/name: ringhold
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ringhold.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- /* Where a node is reached: its pod's name under the headless service. */ -}}
{{- define "ringhold.domain" -}}
{{ include "ringhold.name" . }}-node.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end -}}

{{- /* The first three: they form the cluster, and whoever comes later joins through them. */ -}}
{{- define "ringhold.founders" -}}
{{- $name := include "ringhold.name" . -}}
{{- $domain := include "ringhold.domain" . -}}
{{- range $n := until 3 -}}
{{- if $n }},{{ end }}{{ $name }}-node-{{ $n }}.{{ $domain }}:7400
{{- end -}}
{{- end -}}

{{- define "ringhold.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "ringhold.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "ringhold.envFrom" -}}
- configMapRef: {name: {{ include "ringhold.name" . }}}
{{- if .Values.existingSecret }}
- secretRef: {name: {{ .Values.existingSecret }}}
{{- end }}
{{- end -}}

{{- /* One pod a machine while there are enough, and spread over zones. */ -}}
{{- define "ringhold.spread" -}}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "ringhold.selector" .root | nindent 14 }}
              app.kubernetes.io/component: {{ .component }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "ringhold.selector" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .component }}
{{- end -}}

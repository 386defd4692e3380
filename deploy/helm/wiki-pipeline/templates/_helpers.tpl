{{- define "wp.name" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "wp.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* Labels that never change, by which Services and policies find pods. Of a list: root, component. */}}
{{- define "wp.selector" -}}
app.kubernetes.io/name: wiki-pipeline
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Of a list: root, component. */}}
{{- define "wp.labels" -}}
{{- $root := index . 0 -}}
{{ include "wp.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end }}

{{/* Whatever pods read at their start: a change of it rolls them. */}}
{{- define "wp.checksums" -}}
checksum/settings: {{ include (print .Template.BasePath "/configmap-settings.yaml") . | sha256sum }}
{{- if not .Values.stateless }}
checksum/dagster: {{ include (print .Template.BasePath "/configmap-dagster.yaml") . | sha256sum }}
{{- end }}
{{- end }}

{{- define "wp.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "wp.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* The settings of all pods, as a mapping in YAML. */}}
{{- define "wp.settings" -}}
{{- $settings := dict "WIKI_PIPELINE_MODE" (ternary "stateless" "cluster" .Values.stateless) "WIKI_PIPELINE_HOME" "/var/lib/wiki-pipeline" -}}
{{- if not .Values.stateless -}}
{{- $_ := set $settings "WIKI_PIPELINE_STORAGE_URL" .Values.storage.url -}}
{{- if and .Values.storage.region (hasPrefix "s3://" .Values.storage.url) -}}
{{- $_ := set $settings "WIKI_PIPELINE_STORAGE_REGION" .Values.storage.region -}}
{{- $_ := set $settings "AWS_REGION" .Values.storage.region -}}
{{- end -}}
{{- with .Values.storage.endpoint }}{{ $_ := set $settings "WIKI_PIPELINE_STORAGE_ENDPOINT" . }}{{ end -}}
{{- with .Values.database -}}
{{- $_ := set $settings "WIKI_PIPELINE_DATABASE_URL" (printf "postgresql+psycopg://%s@%s:%d/%s?sslmode=%s" (urlquery .user) .host (int .port) (urlquery .name) .sslmode) -}}
{{- end -}}
{{- end -}}
{{- with .Values.gateway.publicUrl }}{{ $_ := set $settings "WIKI_PIPELINE_PUBLIC_URL" . }}{{ end -}}
{{- range $name, $value := .Values.settings }}{{ $_ := set $settings $name (toString $value) }}{{ end -}}
{{- toYaml $settings -}}
{{- end }}

{{/* Variables from Secrets. Of a list: root, names of groups of `secrets`. */}}
{{- define "wp.secretEnv" -}}
{{- $root := index . 0 -}}
{{- range $group := index . 1 -}}
{{- $secret := index $root.Values.secrets $group -}}
{{- if $secret.name -}}
{{- range $variable, $key := $secret.keys }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret.name }}
      key: {{ $key }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Where the rest of the root file system is read-only. Of a list: root, whether Dagster's files too, scratch size, clones too. */}}
{{- define "wp.volumes" -}}
{{- $root := index . 0 -}}
- name: tmp
  emptyDir:
    sizeLimit: {{ index . 2 }}
- name: state
  emptyDir:
    sizeLimit: {{ index . 2 }}
{{- if and (index . 3) $root.Values.clones.enabled }}
- name: clones
  persistentVolumeClaim:
    claimName: {{ $root.Values.clones.existingClaim | default (printf "%s-clones" (include "wp.name" $root)) }}
{{- end }}
{{- if index . 1 }}
- name: dagster-home
  emptyDir:
    sizeLimit: 100Mi
- name: dagster
  configMap:
    name: {{ include "wp.name" $root }}-dagster
{{- end }}
{{- end }}

{{/* Of a list: whether Dagster's files too, whether clones too. */}}
{{- define "wp.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
- name: state
  mountPath: /var/lib/wiki-pipeline
{{- if index . 1 }}
- name: clones
  mountPath: /var/lib/clones
{{- end }}
{{- if index . 0 }}
- name: dagster-home
  mountPath: /opt/dagster
- name: dagster
  mountPath: /opt/dagster/dagster.yaml
  subPath: dagster.yaml
  readOnly: true
- name: dagster
  mountPath: /opt/dagster/workspace.yaml
  subPath: workspace.yaml
  readOnly: true
{{- end }}
{{- end }}

{{- define "wp.clonesEnv" -}}
{{- if .Values.clones.enabled }}
- name: WIKI_PIPELINE_SOURCES_DIR
  value: /var/lib/clones
{{- end }}
{{- end }}

{{/* Host names under which a webserver is asked for. Of a list: root, name of its Service, its ingress. */}}
{{- define "wp.webserverHosts" -}}
{{- $root := index . 0 -}}
{{- $service := index . 1 -}}
{{- $ingress := index . 2 -}}
{{- $hosts := list $service (printf "%s.%s" $service $root.Release.Namespace) (printf "%s.%s.svc" $service $root.Release.Namespace) -}}
{{- if $ingress.enabled }}{{ $hosts = append $hosts $ingress.host }}{{ end -}}
{{- toJson (concat $hosts $root.Values.webserver.allowHosts) -}}
{{- end }}

{{- define "wp.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "wp.scheduling" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Where Dagster keeps its state. The password is libpq's own variable PGPASSWORD: Dagster would write it into an address. */}}
{{- define "wp.dagsterStorage" -}}
storage:
  postgres:
    postgres_db:
      # Since SQLAlchemy 2.1 the plain scheme means another driver.
      scheme: postgresql+psycopg2
      username: {{ .Values.database.user | quote }}
      hostname: {{ .Values.database.host | quote }}
      port: {{ int .Values.database.port }}
      db_name: {{ .Values.database.dagsterName | quote }}
      params:
        sslmode: {{ .Values.database.sslmode }}
telemetry:
  enabled: false
nux:
  enabled: false
{{- end }}

{{- define "wp.runLauncher" -}}
{{- if .Values.runs.smallInCodeLocation -}}
module: wiki_pipeline.defs.launching
class: BySize
config:
  small:
    module: dagster
    class: DefaultRunLauncher
  large:
    module: dagster_k8s
    class: K8sRunLauncher
    config:
      {{- include "wp.kubernetesRuns" . | nindent 6 }}
{{- else -}}
module: dagster_k8s
class: K8sRunLauncher
config:
  {{- include "wp.kubernetesRuns" . | nindent 2 }}
{{- end }}
{{- end }}

{{/* A run as a Job. What a run's own tags may change is its size, and nothing else: who may start runs must not mount hosts. */}}

{{- define "wp.kubernetesRuns" -}}
{{- $name := include "wp.name" . -}}
job_namespace: {{ .Release.Namespace }}
service_account_name: {{ $name }}-run
instance_config_map: {{ $name }}-dagster
dagster_home: /opt/dagster
job_image: {{ include "wp.image" . }}
image_pull_policy: {{ .Values.image.pullPolicy }}
{{- with .Values.image.pullSecrets }}
image_pull_secrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
env_config_maps:
  - {{ $name }}-settings
labels:
  {{- include "wp.selector" (list . "run") | nindent 2 }}
resources:
  {{- toYaml .Values.runs.resources | nindent 2 }}
security_context:
  {{- include "wp.containerSecurity" . | nindent 2 }}
volumes:
  {{- include "wp.volumes" (list . true .Values.runs.scratchSize true) | nindent 2 }}
volume_mounts:
  {{- include "wp.volumeMounts" (list true .Values.clones.enabled) | nindent 2 }}
run_k8s_config:
  container_config:
    env:
      {{- include "wp.clonesEnv" . | nindent 6 }}
      {{- include "wp.secretEnv" (list . (list "database" "storage" "sources" "models")) | nindent 6 }}
  pod_template_spec_metadata:
    annotations:
      cluster-autoscaler.kubernetes.io/safe-to-evict: "false"
  pod_spec_config:
    automount_service_account_token: false
    enable_service_links: false
    termination_grace_period_seconds: {{ int .Values.runs.terminationGracePeriodSeconds }}
    security_context:
      {{- include "wp.podSecurity" . | nindent 6 }}
    {{- with .Values.runs.nodeSelector }}
    node_selector:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .Values.runs.tolerations }}
    tolerations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  job_spec_config:
    ttl_seconds_after_finished: {{ int .Values.runs.ttlSecondsAfterFinished }}
only_allow_user_defined_k8s_config_fields:
  container_config:
    resources: true
only_allow_user_defined_env_vars: []
{{- end }}

{{- define "dualparal.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "dualparal.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "dualparal.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "dualparal.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Name of everything that is the operator's own. */}}
{{- define "dualparal.operator" -}}
{{- include "dualparal.fullname" . }}-operator
{{- end }}

{{/* Name of what has no namespace: releases that look after some namespaces each may stand side by side. */}}
{{- define "dualparal.clusterName" -}}
{{- include "dualparal.operator" . }}{{ if .Values.watchNamespaces }}-{{ .Release.Namespace }}{{ end }}
{{- end }}

{{- define "dualparal.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "dualparal.operator" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name must be given where serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "dualparal.chartLabels" -}}
app.kubernetes.io/name: {{ include "dualparal.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "dualparal.labels" -}}
{{ include "dualparal.chartLabels" . }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "dualparal.selectorLabels" -}}
app.kubernetes.io/name: {{ include "dualparal.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{/* Labels that the operator gives the pods of films, whatever the release is called. */}}
{{- define "dualparal.runnerLabels" -}}
app.kubernetes.io/name: dualparal
app.kubernetes.io/component: runner
{{- end }}

{{/* An image of .Values, with the tag that it has where none is given. */}}
{{- define "dualparal.image" -}}
{{- if .image.digest }}{{ .image.repository }}@{{ .image.digest }}
{{- else }}{{ .image.repository }}:{{ default .tag .image.tag }}
{{- end }}
{{- end }}

{{/* The Secret with the certificate of the progress endpoint, where somebody else makes it. */}}
{{- define "dualparal.certificateSecret" -}}
{{- if .Values.progress.certManager.enabled }}
{{- default (printf "%s-progress-tls" (include "dualparal.operator" .)) .Values.progress.certificateSecret }}
{{- else }}
{{- .Values.progress.certificateSecret }}
{{- end }}
{{- end }}

{{- define "dualparal.progressHost" -}}
{{ include "dualparal.operator" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{/* What the operator does where films are. */}}
{{- define "dualparal.filmRules" -}}
- apiGroups: [dualparal.io]
  resources: [videogenerations]
  # Deleted after spec.ttlAfterFinished alone.
  verbs: [get, list, watch, delete]
- apiGroups: [dualparal.io]
  resources: [videogenerations/status]
  verbs: [patch]
# Needed to name an owner that blocks deletion where the cluster asks for it.
- apiGroups: [dualparal.io]
  resources: [videogenerations/finalizers]
  verbs: [update]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
- apiGroups: [batch]
  resources: [jobs/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create]
- apiGroups: [""]
  resources: [pods]
  # Deleted where a container outlives the runner, or a node is lost.
  verbs: [get, list, watch, delete]
# Why a volume cannot be mounted, why a Job cannot make its pod.
- apiGroups: [""]
  resources: [events]
  verbs: [list, watch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- if .Values.kueue.enabled }}
# Why a Job waits in a queue.
- apiGroups: [kueue.x-k8s.io]
  resources: [workloads]
  verbs: [list, watch]
{{- end }}
{{- end }}

{{- define "dualparal.reviewRules" -}}
# Which pod a progress report comes from.
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
{{- end }}

{{/* What it does in its own namespace. */}}
{{- define "dualparal.ownRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [dualparal-operator]
  verbs: [get, update]
# A name cannot be asked for when something is created.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
{{- if not (include "dualparal.certificateSecret" .) }}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [dualparal-operator-progress]
  verbs: [get, update]
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
{{- end }}
{{- end }}

{{/* The operator's service account, as bindings name it. */}}
{{- define "dualparal.subject" -}}
- kind: ServiceAccount
  name: {{ include "dualparal.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

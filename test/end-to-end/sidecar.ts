/** A stand-in for what injects a container into every pod, as a service mesh does: one that goes on when the runner has ended. */

const CONTAINER = [
  'name: "mesh-proxy"',
  'image: object.spec.containers[0].image',
  'imagePullPolicy: "IfNotPresent"',
  `command: ["node", "-e", "process.on('SIGTERM', () => process.exit()); setInterval(() => {}, 1e6)"]`,
  'securityContext: object.spec.containers[0].securityContext',
].join(', ');

/** The policy that puts it into the pods of the film of this name, for `kubectl apply -f -`. */
export function sidecarPolicy(film: string): string {
  const items = [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingAdmissionPolicy',
      metadata: { name: 'sidecar' },
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
        },
        matchConditions: [
          {
            name: 'film',
            expression: `has(object.metadata.labels) && 'dualparal.io/video-generation' in object.metadata.labels && object.metadata.labels['dualparal.io/video-generation'] == '${film}'`,
          },
        ],
        failurePolicy: 'Fail',
        reinvocationPolicy: 'Never',
        mutations: [
          {
            patchType: 'JSONPatch',
            jsonPatch: {
              expression: `[JSONPatch{op: "add", path: "/spec/containers/-", value: Object.spec.containers{${CONTAINER}}}]`,
            },
          },
        ],
      },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingAdmissionPolicyBinding',
      metadata: { name: 'sidecar' },
      spec: { policyName: 'sidecar' },
    },
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

/** The API server's audit log: what service accounts have asked for, and which of a role's rules they have used. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterLayout } from './layout.ts';

/** Requests of all service accounts but the control plane's own, without bodies. */
export const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', userGroups: ['system:serviceaccounts:kube-system'] },
    { level: 'Metadata', userGroups: ['system:serviceaccounts'] },
    { level: 'None' },
  ],
};

export function auditFiles(layout: Pick<ClusterLayout, 'folder' | 'logs'>): { policy: string; log: string } {
  return { policy: join(layout.folder, 'audit-policy.json'), log: join(layout.logs, 'audit.log') };
}

/** One request, as rules of roles speak of it. */
export interface AuditedRequest {
  readonly verb: string;
  /** '' is the core group. */
  readonly group: string;
  /** With its subresource, as in `pods/log`. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  /** Whether a role allowed it; what is refused for another reason was allowed. */
  readonly allowed: boolean;
  readonly uri: string;
  /** Pod that asked; '' for a token that belongs to none. */
  readonly pod: string;
}

/** Requests of this user (`system:serviceaccount:NAMESPACE:NAME`) about resources, in the order of the log. */
export function requestsOf(layout: Pick<ClusterLayout, 'folder' | 'logs'>, user: string): readonly AuditedRequest[] {
  return parseAudit(readFileSync(auditFiles(layout).log, 'utf8'), user);
}

/** Reads lines of an audit log; a line that is not whole yet is left out. */
export function parseAudit(text: string, user: string): readonly AuditedRequest[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .filter((event) => event.user?.username === user && event.objectRef?.resource !== undefined)
    .map(({ verb, objectRef, annotations, requestURI, user: { extra } }) => ({
      verb,
      group: objectRef.apiGroup ?? '',
      resource: [objectRef.resource, objectRef.subresource].filter((part) => part !== undefined).join('/'),
      namespace: objectRef.namespace ?? '',
      name: objectRef.name ?? '',
      allowed: annotations?.['authorization.k8s.io/decision'] !== 'forbid',
      uri: requestURI,
      pod: extra?.['authentication.kubernetes.io/pod-name']?.[0] ?? '',
    }));
}

/** A rule as a Role or ClusterRole has it; `namespace` is the Role's, and a ClusterRole's rules have none. */
export interface Rule {
  readonly namespace?: string;
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** One thing that a rule allows: `verb group/resource`, with the name or namespace that it is limited to. */
interface Grant {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly name?: string;
  readonly namespace?: string;
}

/** What the rules allow and none of these requests has used, in words. */
export function unusedGrants(rules: readonly Rule[], requests: readonly AuditedRequest[]): readonly string[] {
  return grantsOf(rules)
    .filter((grant) => !requests.some((request) => isUse(grant, request)))
    .map(({ verb, group, resource, name, namespace }) => {
      const which = name === undefined ? '' : ` ${name}`;
      const where = namespace === undefined ? '' : ` in ${namespace}`;
      return `${verb} ${group === '' ? '' : `${group}/`}${resource}${which}${where}`;
    });
}

function grantsOf(rules: readonly Rule[]): readonly Grant[] {
  return rules.flatMap(({ apiGroups, resources, resourceNames = [undefined], verbs, namespace }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.flatMap((verb) =>
          resourceNames.map((name) => ({
            verb,
            group,
            resource,
            ...(name === undefined ? {} : { name }),
            ...(namespace === undefined ? {} : { namespace }),
          })),
        ),
      ),
    ),
  );
}

function isUse(grant: Grant, request: AuditedRequest): boolean {
  return (
    request.allowed &&
    grant.verb === request.verb &&
    grant.group === request.group &&
    grant.resource === request.resource &&
    (grant.name ?? request.name) === request.name &&
    (grant.namespace ?? request.namespace) === request.namespace
  );
}

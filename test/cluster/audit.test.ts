import { describe, expect, test } from 'vitest';
import { type AuditedRequest, parseAudit, type Rule, unusedGrants } from './audit.ts';

const USER = 'system:serviceaccount:films:operator';
const line = (objectRef: object | undefined, more: object = {}) =>
  `${JSON.stringify({ user: { username: USER }, verb: 'get', objectRef, requestURI: '/x', ...more })}\n`;

const POD = { verb: 'get', group: '', resource: 'pods', namespace: 'a', name: 'p', allowed: true, uri: '/x', pod: '' };

test('the log is read for one user, without what is not whole and what is no resource', () => {
  const pod = { resource: 'pods', namespace: 'a', name: 'p' };
  const text = [
    line(pod),
    line(pod, { user: { username: USER, extra: { 'authentication.kubernetes.io/pod-name': ['operator-1'] } } }),
    line({ ...pod, apiGroup: 'g', subresource: 'log' }, { annotations: { 'authorization.k8s.io/decision': 'forbid' } }),
    line(pod, { user: { username: 'somebody' } }),
    line(undefined),
    '{"user":',
  ].join('');
  expect(parseAudit(text, USER)).toEqual([
    POD,
    { ...POD, pod: 'operator-1' },
    { ...POD, group: 'g', resource: 'pods/log', allowed: false },
  ]);
});

describe('a rule that no request used', () => {
  const request = (changes: Partial<AuditedRequest> = {}): AuditedRequest => ({ ...POD, ...changes });
  const rule = (changes: Partial<Rule> = {}): Rule => ({
    apiGroups: [''],
    resources: ['pods'],
    verbs: ['get'],
    ...changes,
  });

  test.each<[string, Rule, AuditedRequest, readonly string[]]>([
    ['is none where one did', rule(), request(), []],
    ['is told verb by verb', rule({ verbs: ['get', 'list'] }), request(), ['list pods']],
    ['is told resource by resource', rule({ resources: ['pods', 'pods/log'] }), request(), ['get pods/log']],
    ['is told with its group', rule({ apiGroups: ['batch'] }), request(), ['get batch/pods']],
    ['is told with the name that it is limited to', rule({ resourceNames: ['p', 'q'] }), request(), ['get pods q']],
    ['is told with its namespace', rule({ namespace: 'b' }), request(), ['get pods in b']],
    ['is not used by a request that was refused', rule(), request({ allowed: false }), ['get pods']],
  ])('%s', (_what, given, asked, unused) => {
    expect(unusedGrants([given], [asked])).toEqual(unused);
  });
});

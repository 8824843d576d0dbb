import { describe, expect, it } from 'vitest';
import { filesOf } from './deploy.ts';

const object = (template: string, name: string, labels = '') => `---
# Source: dualparal/templates/${template}.yaml
# Why it is there.
apiVersion: v1
kind: Service
metadata:
  name: ${name}
  labels: {app: a, helm.sh/chart: dualparal-1, app.kubernetes.io/managed-by: Helm${labels}}
`;

describe('filesOf', () => {
  it('gathers the objects of a template in its file, without what says that Helm looks after them', () => {
    const files = filesOf(object('service', 'one') + object('namespace', 'two') + object('service', 'three'));
    expect(Object.keys(files)).toEqual(['4-service.yaml', '1-namespace.yaml']);
    expect(files['4-service.yaml']).toBe(`# Rendered from charts/dualparal by \`node charts/deploy.ts\`. Do not edit.
# Why it is there.
apiVersion: v1
kind: Service
metadata:
  name: one
  labels: {app: a}
---
# Why it is there.
apiVersion: v1
kind: Service
metadata:
  name: three
  labels: {app: a}
`);
  });

  it('refuses a template that it has no file for', () => {
    expect(() => filesOf(object('crd', 'one'))).toThrow("knows no file for template 'crd'");
  });
});

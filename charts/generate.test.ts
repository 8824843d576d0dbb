import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { customResourceDefinition } from '../operator/api/crd.ts';
import { generatedFiles } from './generate.ts';

const CHART = join(import.meta.dirname, 'dualparal');
const read = (name: string) => readFileSync(join(CHART, name), 'utf8');

describe('the chart', () => {
  it.each(Object.entries(generatedFiles()))('has the %s that the schemas give: npm run gen', (name, text) => {
    expect(read(name)).toBe(text);
  });

  it('has the CRD behind its value, kept when the release goes', () => {
    const lines = read('templates/crd.yaml').split('\n');
    expect([lines[0], ...lines.slice(-2)]).toEqual(['{{- if .Values.crds.enabled }}', '{{- end }}', '']);
    const crd = parse(lines.slice(1, -2).join('\n'));
    expect(crd.metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' });
    const { annotations: _kept, ...metadata } = crd.metadata;
    expect({ ...crd, metadata }).toEqual(JSON.parse(JSON.stringify(customResourceDefinition())));
  });

  it('has the version of the product, in everything that names it', () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'));
    const chart = parse(read('Chart.yaml'));
    expect([chart.version, chart.appVersion]).toEqual([version, version]);
    expect(parse(chart.annotations['artifacthub.io/images'])).toEqual([
      { name: 'operator', image: `dualparal-operator:${version}` },
      { name: 'runner', image: `dualparal-runner:${version}-cuda` },
    ]);
  });

  it('describes its CRD as it is', () => {
    const { group, names, versions } = parse(read('templates/crd.yaml').split('\n').slice(1, -2).join('\n')).spec;
    const [described] = parse(parse(read('Chart.yaml')).annotations['artifacthub.io/crds']);
    expect(described).toMatchObject({
      kind: names.kind,
      version: versions[0].name,
      name: `${names.plural}.${group}`,
      description: versions[0].schema.openAPIV3Schema.description,
    });
  });

  it('has a value for each field of its schema, and no other', () => {
    const fieldsOf = (schema: { properties?: Record<string, object> }, path = ''): readonly string[] =>
      Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
        const inner = path === '.runner' && name === 'defaults' ? [] : fieldsOf(field, `${path}.${name}`);
        return inner.length === 0 ? [`${path}.${name}`] : inner;
      });
    const lookUp = (path: string) =>
      path
        .split('.')
        .slice(1)
        .reduce((value, name) => value?.[name], parse(read('values.yaml')));
    const paths = fieldsOf(JSON.parse(read('values.schema.json')));
    const without = paths.filter((path) => lookUp(path) === undefined);
    expect([paths.length > 40, without]).toEqual([true, ['.global']]);
  });
});

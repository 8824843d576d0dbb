/**
 * Purpose of this folder: what installs the product in a cluster. `dualparal/` is the Helm chart; `argo-cd/` and `kustomize/` are
 * for those who use these tools.
 *
 * This file: writes what the chart has from the schemas of `operator/api`: `npm run gen`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crdYaml } from '../crds/generate.ts';
import { customResourceDefinition } from '../operator/api/crd.ts';
import { valuesSchema } from './values-schema.ts';

const CHART = join(import.meta.dirname, 'dualparal');

/** What is generated, by its place in the chart. */
export function generatedFiles(): Readonly<Record<string, string>> {
  return {
    'templates/crd.yaml': crdTemplate(crdYaml()),
    'values.schema.json': `${JSON.stringify(valuesSchema(customResourceDefinition()), null, 2)}\n`,
  };
}

/** The CRD as a template: only where it is asked for, and kept when the release goes, since all films would go with it. */
function crdTemplate(yaml: string): string {
  const annotated = yaml.replace(
    /^metadata: \{name: (.+)\}$/m,
    'metadata:\n  name: $1\n  annotations: {helm.sh/resource-policy: keep}',
  );
  const [header = '', ...lines] = annotated.replaceAll('{{', '{{ "{{" }}').split('\n');
  return ['{{- if .Values.crds.enabled }}', header, ...lines.slice(0, -1), '{{- end }}', ''].join('\n');
}

if (import.meta.main)
  for (const [name, text] of Object.entries(generatedFiles())) writeFileSync(join(CHART, name), text);

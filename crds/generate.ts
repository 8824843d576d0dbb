/** Writes the CRD's YAML from the schemas of `operator/api`: `npm run gen`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { customResourceDefinition } from '../operator/api/crd.ts';

const HEADER = '# Generated from operator/api by `npm run gen`. Do not edit.\n';

/** File of the CRD in this folder. */
export const CRD_FILE = join(import.meta.dirname, 'dualparal.io_videogenerations.yaml');

/** Text of the file. */
export function crdYaml(): string {
  return HEADER + stringify(customResourceDefinition(), { lineWidth: 120, aliasDuplicateObjects: false });
}

if (import.meta.main) writeFileSync(CRD_FILE, crdYaml());

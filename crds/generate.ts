/** Writes the CRD's YAML from the schemas of `operator/api`: `npm run gen`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Document, isMap, isScalar, isSeq, visit } from 'yaml';
import { customResourceDefinition } from '../operator/api/crd.ts';

const HEADER = '# Generated from operator/api by `npm run gen`. Do not edit.\n';

/** File of the CRD in this folder. */
export const CRD_FILE = join(import.meta.dirname, 'dualparal.io_videogenerations.yaml');

/** Text of the file: one line for each field that holds no other fields, so that the schema can be read at a glance. */
export function crdYaml(): string {
  const document = new Document(customResourceDefinition(), { aliasDuplicateObjects: false });
  visit(document, {
    Collection(_, node) {
      const parts = isMap(node) ? node.items.map(({ value }) => value) : node.items;
      const isLeaf = parts.every((part) => isScalar(part) || (!isMap(node) && isMap(part) && part.items.length <= 2));
      const hasOnlyLists = isMap(node) && parts.every((part) => isScalar(part) || isListOfScalars(part));
      if (isLeaf || hasOnlyLists) node.flow = true;
    },
  });
  return HEADER + document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function isListOfScalars(node: unknown): boolean {
  return isSeq(node) && node.items.every((item) => isScalar(item));
}

if (import.meta.main) writeFileSync(CRD_FILE, crdYaml());

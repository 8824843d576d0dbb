import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { lifeCycleShape } from '#contract/life-cycle.ts';
import { checkpointRecordSchema, planStageSchema, planSummarySchema, progressSchema } from '#contract/progress.ts';
import { specSchema } from '#contract/resource-spec.ts';
import { CRD_FILE, crdYaml } from '../../crds/generate.ts';
import { readManifest } from '../../runner/manifest/manifest.ts';
import { customResourceDefinition } from './crd.ts';
import { GENERATING_FIELDS } from './video-generation.ts';

type Schema = Readonly<Record<string, unknown>>;
const EXAMPLES = join(import.meta.dirname, '../../examples');

const versions = parse(crdYaml()).spec.versions;
const root: Schema = versions[0].schema.openAPIV3Schema;

/** Every schema below `schema` with its path. */
function below(schema: Schema, path: string): readonly (readonly [string, Schema])[] {
  const children = Object.entries((schema.properties ?? {}) as Record<string, Schema>).map(
    ([name, child]) => [`${path}.${name}`, child] as const,
  );
  const items = schema.items === undefined ? [] : [[`${path}[]`, schema.items as Schema] as const];
  return [...children, ...items].flatMap(([at, child]) => [[at, child] as const, ...below(child, at)]);
}
const all = below(root, '');
const fieldsOf = (path: string) => Object.keys((all.find(([at]) => at === path)?.[1].properties ?? {}) as object);

describe('the CRD', () => {
  it('in the repository is the one that the schemas make (npm run gen)', () => {
    expect(readFileSync(CRD_FILE, 'utf8')).toBe(crdYaml());
  });

  it('documents every field of spec and status', () => {
    const silent = all.filter(([path, schema]) => !path.endsWith('[]') && schema.description === undefined);
    expect(silent.map(([path]) => path)).toEqual(['.apiVersion', '.kind', '.metadata']);
  });

  it('is structural: every place has a type, and none has what the API server refuses', () => {
    const bad = all.filter(([, schema]) => {
      const typed = 'type' in schema || schema['x-kubernetes-int-or-string'] === true;
      const both = 'properties' in schema && 'additionalProperties' in schema;
      return (
        !typed || both || ['anyOf', 'oneOf', 'allOf', '$ref', 'propertyNames', 'const'].some((key) => key in schema)
      );
    });
    expect(bad).toEqual([]);
  });

  it('holds fixed every field that a film is made from, and only fields that it has', () => {
    const others = ['checkpoint', 'retries', 'runner', ...Object.keys(lifeCycleShape)];
    expect(fieldsOf('.spec').toSorted()).toEqual([...GENERATING_FIELDS, ...others].toSorted());
  });

  it('gives the same columns to kubectl as the manual says', () => {
    const names = versions[0].additionalPrinterColumns.map((column: { name: string }) => column.name.toUpperCase());
    expect(names).toEqual(['PHASE', 'PERCENT', 'FRAMES', 'ETA', 'GPUS', 'AGE', 'WHY', 'OF', 'MESSAGE']);
    expect((customResourceDefinition().spec as { names: { shortNames: string[] } }).names.shortNames).toEqual(['vg']);
  });
});

describe('the status', () => {
  it('has a place for everything that a runner reports: the API server would refuse the rest', () => {
    const elsewhere = ['plan', 'devices', 'resumedFrom', 'checkpoint', 'checkpointFailure'];
    const reported = Object.keys(progressSchema.shape).filter(
      (key) => !['contractVersion', 'sequence', 'time', ...elsewhere].includes(key),
    );
    expect(fieldsOf('.status.progress').toSorted()).toEqual(
      [...reported, 'eta', 'lastReportTime', 'lastAdvanceTime'].toSorted(),
    );
    expect(fieldsOf('.status.checkpoint').toSorted()).toEqual(Object.keys(checkpointRecordSchema.shape).toSorted());
    expect(fieldsOf('.status.plan').toSorted()).toEqual(Object.keys(planSummarySchema.shape).toSorted());
    expect(fieldsOf('.status.plan.stages[]').toSorted()).toEqual(Object.keys(planStageSchema.shape).toSorted());
  });
});

describe.each(readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml')))('examples/%s', (name) => {
  const bytes = readFileSync(join(EXAMPLES, name));

  it('is valid for the resource and for a command without a cluster', () => {
    const films = parseAllDocuments(bytes.toString()).map((document) => document.toJS());
    const film = films.find((object) => object.kind === 'VideoGeneration');
    expect(specSchema.safeParse(film.spec).error).toBeUndefined();
    expect(readManifest(bytes, name).generation.prompt).toBe(film.spec.prompt);
  });
});

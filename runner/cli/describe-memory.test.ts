import { join } from 'node:path';
import { expect, test } from 'vitest';
import { job } from '../../test/build/film-plan.ts';
import { planMemory } from '../memory-plan.ts';
import type { Device } from '../ort/device.ts';
import { planModel } from '../plan-job.ts';
import { openModel } from '../weights/open-model.ts';
import { describeMemory } from './describe-memory.ts';

const model = openModel(join(import.meta.dirname, '../../models/tiny'));

function firstLine(kind: Device['kind']): string {
  const spec = job({
    frames: 61,
    size: { width: 96, height: 96 },
    parallelism: { gpus: 1, blockLatents: 4, contextLatents: 2 },
  });
  const plan = planModel(spec, model, [{ kind, index: 0, name: `${kind}:0` }]);
  return describeMemory(planMemory(spec, plan, model, kind))[0]!;
}

test('memory is at most so much where the plan was held to what a process takes, about so much by the plan where it was not', () => {
  expect(firstLine('cpu')).toMatch(/^ {2}memory: at most \d+\.\d MB/);
  expect(firstLine('cuda')).toMatch(/^ {2}memory: about \d+\.\d MB on the host, devices aside, by the plan/);
});

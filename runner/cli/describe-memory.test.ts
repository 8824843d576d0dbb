import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decoderParts } from '../../test/build/decoder-parts.ts';
import { job } from '../../test/build/film-plan.ts';
import { planMemory } from '../memory-plan.ts';
import type { Device } from '../ort/device.ts';
import { planModel } from '../plan-job.ts';
import { openModel } from '../weights/open-model.ts';
import { describeMemory } from './describe-memory.ts';

const model = openModel(join(import.meta.dirname, '../../models/tiny'));

function linesOf(kind: Device['kind'], parts = 1, pixels = 96): readonly string[] {
  const spec = job({
    frames: 61,
    size: { width: pixels, height: pixels },
    parallelism: { gpus: parts, blockLatents: 4, contextLatents: 2 },
  });
  const devices = Array.from({ length: parts }, (_, index): Device => ({ kind, index, name: `${kind}:${index}` }));
  const plan = { ...planModel(spec, model, devices), decoderParts: decoderParts(parts, parts) };
  return describeMemory(planMemory(spec, plan, model, kind));
}

test('memory is at most so much where the plan was held to what a process takes, about so much by the plan where it was not', () => {
  expect(linesOf('cpu')[0]).toMatch(/^ {2}memory: at most \d+\.\d MB/);
  expect(linesOf('cuda')[0]).toMatch(/^ {2}memory: about \d+\.\d MB on the host, devices aside, by the plan/);
});

test('a decoder in parts is one amount, and says beside what goes from part to part', () => {
  const [one, four] = [1, 4].map((parts) => linesOf('cuda', parts, 512)[1]!);
  expect(one).not.toContain('between its parts');
  expect(four).toMatch(/, decoder \d+\.\d MB, between its parts \d+\.\d MB, decoder’s states \d+\.\d MB, pictures /);
  const states = (line: string) => /decoder’s states [^,]+/.exec(line)![0];
  expect(states(four!)).toBe(states(one!));
});

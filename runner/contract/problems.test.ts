import { describe, expect, it } from 'vitest';
import { problemsOf } from './problems.ts';
import { localSpecSchema } from './resource-spec.ts';

/** What is said of a spec that is right but for these fields. */
function problemsWith(fields: Readonly<Record<string, unknown>>): readonly string[] {
  const spec = { prompt: 'a circle', length: { frames: 9 }, model: { ref: 'tiny' }, ...fields };
  const parsed = localSpecSchema.safeParse(spec);
  return parsed.success ? [] : problemsOf(parsed.error, spec, localSpecSchema);
}

const STRIDE = 'parallelism.stride: must be a whole number from 1 to 1000, or auto';
const CPU = 'runner.resources.requests.cpu: must be a quantity such as 4, 500m or 64Gi, of at most 32 characters';

describe('a stride has one sentence for all that it is not:', () => {
  it.each([
    [1.5, `${STRIDE}, found 1.5`],
    [0, `${STRIDE}, found 0`],
    [-1, `${STRIDE}, found -1`],
    [1001, `${STRIDE}, found 1001`],
    [1e9, `${STRIDE}, found 1000000000`],
    [true, `${STRIDE}, found true`],
    [null, `${STRIDE}, found null`],
    ['', `${STRIDE}, found ""`],
    ['fast', `${STRIDE}, found "fast"`],
    ['1.5', `${STRIDE}, found "1.5"`],
    ['3', `${STRIDE}, found "3": leave out the quotes`],
    ['auto ', `${STRIDE}, found "auto ": write auto`],
    ['Auto', `${STRIDE}, found "Auto": write auto`],
    [[3], STRIDE],
    [{ blocks: 3 }, STRIDE],
  ])('%j', (stride, sentence) => {
    expect(problemsWith({ parallelism: { stride } })).toEqual([sentence]);
  });

  it.each([1, 1000, 'auto'])('%j is one', (stride) => {
    expect(problemsWith({ parallelism: { stride } })).toEqual([]);
  });
});

describe('a quantity has one sentence for all that it is not:', () => {
  it.each([
    [0.5, `${CPU}, found 0.5: put it in quotes`],
    [true, `${CPU}, found true`],
    ['', `${CPU}, found ""`],
    ['64GB', `${CPU}, found "64GB"`],
    ['4 Gi', `${CPU}, found "4 Gi"`],
    ['1e1.5', `${CPU}, found "1e1.5"`],
    ['1'.repeat(33), `${CPU}, found "${'1'.repeat(33)}"`],
    [[1], CPU],
  ])('%j', (cpu, sentence) => {
    expect(problemsWith({ runner: { resources: { requests: { cpu } } } })).toEqual([sentence]);
  });

  it.each([4, '4', '500m', '64Gi', '0.5', '.5', '1.', '1e3', '2E', '12E-2'])('%j is one', (cpu) => {
    expect(problemsWith({ runner: { resources: { requests: { cpu } } } })).toEqual([]);
  });
});

describe('a message says what to write where that mends it, and only there:', () => {
  it.each([
    [{ prompt: 42 }, 'prompt: must be a text, found 42: put it in quotes'],
    [{ prompt: true }, 'prompt: must be a text, found true: put it in quotes'],
    [{ prompt: null }, 'prompt: must be a text, found null'],
    [
      { model: { ref: 'tiny', source: { hostPath: { path: 7 } } } },
      'model.source.hostPath.path: must be a text, found 7',
    ],
    [{ runner: { nodeSelector: { zone: 1 } } }, 'runner.nodeSelector.zone: must be a text, found 1: put it in quotes'],
    [{ fps: '16' }, 'fps: must be a number, found "16": leave out the quotes'],
    [{ fps: '0.5' }, 'fps: must be a number, found "0.5"'],
    [{ decoding: { tiling: 'true' } }, 'decoding.tiling: must be true or false, found "true": leave out the quotes'],
    [{ decoding: { tiling: '1' } }, 'decoding.tiling: must be true or false, found "1"'],
    [
      { sampling: { scheduler: 'unipc' } },
      'sampling.scheduler: must be one of UniPC, FlowMatchEuler, found "unipc": write UniPC',
    ],
    [{ output: { formats: ['mp4', 'MP4'] } }, 'output.formats[1]: must be mp4, found "MP4": write mp4'],
  ])('%j', (fields, sentence) => {
    expect(problemsWith(fields)).toEqual([sentence]);
  });
});

describe('what does nothing is refused:', () => {
  const OFF =
    'parallelism.guidanceParallel: must be false without guidance, which needs sampling.guidanceScale above 1';
  const EMPTY = 'parallelism.leftContext: must be recompute with contextLatents 0, which leaves no context to reuse';
  const parallelism = { guidanceParallel: true };

  it.each([
    [{ parallelism, sampling: { guidanceScale: 1 } }, [`${OFF}, found true`]],
    [{ parallelism, sampling: { guidanceScale: 0, guidanceScale2: 1 } }, [`${OFF}, found true`]],
    [{ parallelism, sampling: { guidanceScale: 1.01 } }, []],
    // Guided with two experts, not with one: the model decides.
    [{ parallelism, sampling: { guidanceScale: 1, guidanceScale2: 3 } }, []],
    [{ parallelism, sampling: { guidanceScale: 3, guidanceScale2: 1 } }, []],
    [{ parallelism }, []],
    [{ sampling: { guidanceScale: 1 } }, []],
    [{ parallelism: { leftContext: 'reuse', contextLatents: 0 } }, [`${EMPTY}, found "reuse"`]],
    [{ parallelism: { leftContext: 'recompute', contextLatents: 0 } }, []],
    [{ parallelism: { leftContext: 'reuse' } }, []],
  ])('%j', (fields, sentences) => {
    expect(problemsWith(fields)).toEqual(sentences);
  });
});

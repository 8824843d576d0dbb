import { readFileSync } from 'node:fs';
import { graphBuilder } from '../../runner/model/graph.ts';
import type { FloatType } from '../../runner/tensor.ts';
import { judged, MOST_RELATIVE, relativeWithin } from './judge.ts';
import { deviceMegabytes, errors, load, numbersOf, typesOn } from './measure.ts';
import type { PartContext } from './part.ts';
import { pooled, toType } from './random-numbers.ts';

const M = 64;
const K = 256;
const N = 128;

function product(dtype: FloatType) {
  const g = graphBuilder('product', new Map());
  const x = g.input('x', dtype, [M, K]);
  const w = g.constant(toType(pooled(N * K, 5), dtype), dtype, [N, K]);
  g.output('y', g.node('Gemm', [x, w], { dtype, shape: [M, N] }, { transB: 1n }));
  return g.finish();
}

function expected(): Float64Array {
  const x = pooled(M * K, 0);
  const w = pooled(N * K, 5);
  const y = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < K; k++) y[m * N + n]! += x[m * K + k]! * w[n * K + k]!;
    }
  }
  return y;
}

/** Shared libraries of CUDA and the runtime that this process holds. */
function libraries(): readonly string[] {
  const lines = readFileSync('/proc/self/maps', 'utf8').split('\n');
  const paths = lines
    .map((line) => line.slice(73).trim())
    .filter((path) => /cuda|cublas|cudnn|curand|onnx|nvidia/.test(path));
  return [...new Set(paths)];
}

export async function run({ attempt, note, device, kind }: PartContext): Promise<void> {
  await attempt('device memory before', () => ({ megabytes: deviceMegabytes(device()) }));
  const wanted = expected();
  for (const dtype of typesOn(kind)) {
    await attempt(`matrix product in ${dtype}`, () => {
      const started = performance.now();
      const { session, binding, outputs, release } = load(product(dtype), {
        device: device(),
        lengths: {},
        readable: true,
      });
      binding.run();
      const found = errors(numbersOf(outputs.get('y')!), wanted);
      const values = { milliseconds: performance.now() - started, ...found };
      const megabytes = deviceMegabytes(device());
      release();
      const verdict = judged(relativeWithin(found, MOST_RELATIVE.product[dtype]));
      return { ...values, megabytes, inputs: session.inputs.length, ...verdict };
    });
  }
  note('libraries', { paths: libraries() });
}

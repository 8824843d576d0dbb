import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { parseTransformerConfig } from '../../runner/model/component-configs.ts';
import type { Graph } from '../../runner/model/graph.ts';
import { crossKvGraph, sliceGraph } from '../../runner/model/layers.ts';
import { rotaryTables } from '../../runner/model/rotary.ts';
import { cpuDevices } from '../../runner/ort/device.ts';
import { type AnyTensor, runOnceAny } from '../../runner/ort/run-once.ts';
import { createSession } from '../../runner/ort/session.ts';
import type { F32Tensor } from '../../runner/tensor.ts';
import { readTensors, type TensorFile } from '../../runner/weights/read-tensors.ts';
import { type ComponentWeights, openWeights } from '../../runner/weights/shards.ts';
import { findTorchPython, runPython } from '../torch/python.ts';
import { CONFIGS } from './published-configs.ts';

const [device] = cpuDevices(1);
/** A few tokens of pictures and of text: the width is what is tried. */
const WINDOW = { frames: 2, height: 3, width: 4 };
const TEXT_TOKENS = 16;
const SEED = 11;

let folder: string | undefined;
afterEach(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true });
  folder = undefined;
});

/** Bounds: largest error, on outputs of spread 2 and up to 13, where a step of float16 is 8e-3. */
const WIDTHS = [
  { model: 'Wan2.1-T2V-1.3B', bounds: { F32: 1e-4, F16: 2e-2 } },
  { model: 'Wan2.1-T2V-14B', bounds: { F32: 1e-4, F16: 2e-2 } },
] as const;
const torch = findTorchPython();
const title = torch.ok ? '' : ` (${torch.reason})`;

test.skipIf(!torch.ok).each(WIDTHS)(
  `a layer as wide as those of $model gives PyTorch's numbers${title}`,
  { timeout: 900_000 },
  ({ model, bounds }) => {
    const config = { ...parseTransformerConfig(CONFIGS[model]['transformer/config.json']), layers: 1 };
    folder = mkdtempSync(join(tmpdir(), 'torch-layer-'));
    const { heads, headWidth, feedForwardWidth: feedForward } = config;
    const task = { folder, heads, headWidth, feedForward, ...WINDOW, text: TEXT_TOKENS, seed: SEED };
    const program = join(import.meta.dirname, 'torch-layer.py');
    runPython(torch.ok ? torch.python : '', program, task);
    const weights = openWeights(folder, 'layer', 'weights');
    const numbers = readTensors(join(folder, 'numbers.safetensors'));
    for (const dtype of ['F32', 'F16'] as const) {
      const found = runLayer(config, weights, numbers, dtype);
      for (const reference of ['y', 'diffusers'].filter((name) => numbers.has(name))) {
        const wanted = numbers.f32(reference);
        expect(found.shape).toEqual(wanted.shape);
        const error = found.data.reduce((max, value, at) => Math.max(max, Math.abs(value - wanted.data[at]!)), 0);
        expect(error, `${dtype} against ${reference}`).toBeLessThanOrEqual(bounds[dtype]);
      }
    }
  },
);

type Config = ReturnType<typeof parseTransformerConfig>;

/** The layer over the reference's inputs, by our graphs. */
function runLayer(config: Config, weights: ComponentWeights, numbers: TensorFile, dtype: 'F32' | 'F16'): F32Tensor {
  const compute = { attention: 'cpu', dtype } as const;
  const layers = { ...compute, firstLayer: 0, endLayer: 1 };
  const given = (name: string) => typed(numbers.f32(name), dtype);
  const prompt = run(crossKvGraph(config, weights.tensors, layers), weights, { ctx: given('ctx') });
  const { cos, sin } = rotaryTables(config.headWidth, WINDOW.frames, WINDOW.height, WINDOW.width);
  const table = (data: Float32Array) => ({ shape: [data.length / (config.headWidth / 2), config.headWidth / 2], data });
  const inputs = { x: given('x'), tproj: numbers.f32('tproj'), cos: table(cos), sin: table(sin), ...prompt };
  const { y } = run(sliceGraph(config, weights.tensors, { ...layers, contextTokens: 0 }), weights, inputs);
  const { buffer } = y!.data;
  return {
    shape: y!.shape,
    data: Float32Array.from(dtype === 'F16' ? new Float16Array(buffer) : new Float32Array(buffer)),
  };
}

function typed(tensor: F32Tensor, dtype: 'F32' | 'F16'): F32Tensor | AnyTensor {
  return dtype === 'F32' ? tensor : { dtype, shape: tensor.shape, data: Float16Array.from(tensor.data) };
}

function run(
  graph: Graph,
  { folder: weightsFolder }: ComponentWeights,
  inputs: Readonly<Record<string, F32Tensor | AnyTensor>>,
) {
  const session = createSession(graph.bytes, { device: device!, weightsFolder, intraOpThreads: 2 });
  try {
    return runOnceAny(session, inputs);
  } finally {
    session.release();
  }
}

import { join } from 'node:path';
import { guide } from '../../../runner/diffusion/guidance.ts';
import { joinLatents } from '../../../runner/latents.ts';
import { parseTransformerConfig } from '../../../runner/model/component-configs.ts';
import type { TransformerConfig } from '../../../runner/model/config.ts';
import type { F32Tensor } from '../../../runner/tensor.ts';
import { readJsonFile } from '../../../runner/weights/model-file.ts';
import { openTransformer } from '../../../runner/weights/open-model.ts';
import { readTensors, type TensorFile } from '../../../runner/weights/read-tensors.ts';
import type { ComponentWeights } from '../../../runner/weights/shards.ts';
import { type Comparison, comparison, flat, type GroupCheck, row } from '../compare.ts';
import { type ForwardInput, forward } from '../forward.ts';
import { setting } from '../run-case.ts';

interface Transformer {
  readonly config: TransformerConfig;
  readonly weights: ComponentWeights;
}

/** The transformer of a model folder inside the reference folder. */
export function transformerOf(folder: string, model: string): Transformer {
  const file = join(folder, model, 'transformer/config.json');
  const config = parseTransformerConfig(readJsonFile(file, `${model}/transformer/config.json`));
  return { config, weights: openTransformer(join(folder, model), 'transformer', config) };
}

function plain(name: string, model: string, file: string, optional = false): GroupCheck {
  return {
    name,
    optional,
    files: [`${model}/transformer/config.json`, `${file}.safetensors`],
    run(folder) {
      const golden = readTensors(join(folder, `${file}.safetensors`));
      const timestep = golden.f32('timestep').data[0]!;
      const out = forward({
        ...transformerOf(folder, model),
        latents: golden.f32('latents'),
        timestep,
        text: golden.f32('text'),
        contextLatents: 0,
      });
      return [
        ...hiddenStates(name, golden, out),
        comparison(`${name} velocity`, [[out.velocity, golden.f32('velocity')]]),
      ];
    },
  };
}

function hiddenStates(name: string, golden: TensorFile, out: ReturnType<typeof forward>): readonly Comparison[] {
  if (!golden.has('embed')) return [];
  const layers = out.hidden.map((hidden, layer) => [hidden, golden.f32(`layer.${layer}`)] as const);
  return [comparison(`${name} embed`, [[out.embed, golden.f32('embed')]]), comparison(`${name} layers`, layers)];
}

const blockStep: GroupCheck = {
  name: 'dualparal/block-step',
  files: ['dualparal/block-step.safetensors', 'text.safetensors'],
  run(folder) {
    const golden = readTensors(join(folder, 'dualparal/block-step.safetensors'));
    const outputs = [0, 1].map((branch) => forward(blockStepInput(folder, golden, branch)));
    const [conditional, unconditional] = outputs as [ReturnType<typeof forward>, ReturnType<typeof forward>];
    const keptOf = (part: 'k' | 'v') =>
      outputs.flatMap((out, branch) =>
        out.kept.map(
          (kept, layer) =>
            [kept[part], row(flat(golden.f32(`kept.${part}`)), branch * out.kept.length + layer)] as const,
        ),
      );
    return [
      ...hiddenStates(this.name, golden, conditional),
      comparison(`${this.name} kept keys`, keptOf('k')),
      comparison(`${this.name} kept values`, keptOf('v')),
      comparison(`${this.name} velocity`, [
        [conditional.velocity, golden.f32('velocity.cond')],
        [unconditional.velocity, golden.f32('velocity.uncond')],
      ]),
      comparison(`${this.name} guided velocity`, [
        [guidedOwn(golden, conditional.velocity, unconditional.velocity), golden.f32('velocity.own')],
      ]),
    ];
  },
};

/** What the block-step's update is given: the guided velocity of the block's own latents. */
function guidedOwn(golden: TensorFile, conditional: F32Tensor, unconditional: F32Tensor): F32Tensor {
  const [, channels = 0, count = 0, height = 0, width = 0] = golden.f32('own').shape;
  const area = height * width;
  const own = { channels, skip: conditional.data.length / channels - count * area, count: count * area };
  const data = new Float32Array(channels * own.count);
  guide(conditional.data, unconditional.data, setting(golden, 'guidance'), own, data);
  return { shape: [1, channels, count, height, width], data };
}

function blockStepInput(folder: string, golden: TensorFile, branch: number): ForwardInput {
  const { config, weights } = transformerOf(folder, 'tiny-wan');
  const right = Array.from({ length: config.layers }, (_, layer) => ({
    k: row(flat(golden.f32('right.k')), branch * config.layers + layer),
    v: row(flat(golden.f32('right.v')), branch * config.layers + layer),
  }));
  return {
    config,
    weights,
    right,
    latents: joinLatents([golden.f32('left'), golden.f32('own')]),
    timestep: golden.f32('timestep').data[0]!,
    text: row(readTensors(join(folder, 'text.safetensors')).f32('embeds'), branch),
    contextLatents: Number(golden.metadata.context_latents),
  };
}

/** One forward pass of every transformer, and one block-step with its right context. */
export const transformerChecks: readonly GroupCheck[] = [
  plain('transformer', 'tiny-wan', 'transformer'),
  plain('tiny-wan-sharded', 'tiny-wan-sharded', 'transformer'),
  plain('head128', 'head128', 'head128/transformer', true),
  plain('bf16', 'bf16', 'bf16/transformer', true),
  blockStep,
];

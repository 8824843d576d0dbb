import type { Edge, Graph } from './graph.ts';
import { graphBuilder } from './graph.ts';
import { binary, scalar, slice } from './ops.ts';

/** A block's part of a window: its own latents are the last ones. */
export interface UpdateShape {
  readonly latentChannels: number;
  readonly latentHeight: number;
  readonly latentWidth: number;
  readonly windowLatents: number;
  readonly ownLatents: number;
  /** Whether there is a velocity of the unconditional branch. */
  readonly guided: boolean;
}

/**
 * Guidance and one step of the sampler as a linear form (`StepForm` of the sampler), for devices that keep the states of blocks.
 * In, float32: `conditional [1, C, F, h, w]` and, where guided, `unconditional` of the same shape; `x, last, estimate1, estimate2
 * [1, C, own, h, w]`; `form [10]`, the nine numbers of the step and the guidance scale.
 * Out: `nextx, nextlast, estimate`, the states after the step (`estimate1` becomes the new `estimate2` as it is), and `doubt [1, 1, 1, 1, 1]`, 0
 * where all of `nextx` is finite and NaN where not.
 */
export function updateGraph(shape: UpdateShape): Graph {
  const { latentChannels: C, latentHeight: h, latentWidth: w, windowLatents: F, ownLatents, guided } = shape;
  const g = graphBuilder('update', new Map());
  const own = [1, C, ownLatents, h, w];
  const [sigma, correctX, correctLast, correctNow, correct1, correct2, nextSample, nextNow, next1, scale] = g.split(
    g.input('form', 'F32', [10]),
    0,
    10,
  ) as readonly Edge[];
  const add = (a: Edge, b: Edge) => binary(g, 'Add', a, b);
  const times = (x: Edge, factor: Edge | undefined) => binary(g, 'Mul', x, factor!);
  const velocity = (name: string) => {
    const whole = g.input(name, 'F32', [1, C, F, h, w]);
    return F === ownLatents ? whole : slice(g, whole, 2, F - ownLatents, F);
  };
  const conditional = velocity('conditional');
  const [x, last, estimate1, estimate2] = ['x', 'last', 'estimate1', 'estimate2'].map((name) => {
    return g.input(name, 'F32', own);
  }) as [Edge, Edge, Edge, Edge];

  let guidedVelocity = conditional;
  if (guided) {
    const base = velocity('unconditional');
    guidedVelocity = add(base, times(binary(g, 'Sub', conditional, base), scale));
  }
  const estimate = binary(g, 'Sub', x, times(guidedVelocity, sigma));
  const past = add(add(times(last, correctLast), times(estimate1, correct1)), times(estimate2, correct2));
  const corrected = add(add(times(x, correctX), times(estimate, correctNow)), past);
  const next = add(add(times(corrected, nextSample), times(estimate, nextNow)), times(estimate1, next1));
  // What is not finite stays so when it is multiplied by zero.
  const doubt = g.node(
    'ReduceSum',
    [times(next, scalar(g, 0))],
    { dtype: 'F32', shape: [1, 1, 1, 1, 1] },
    { keepdims: 1n },
  );
  g.output('nextx', next);
  g.output('nextlast', corrected);
  g.output('estimate', estimate);
  g.output('doubt', doubt);
  return g.finish();
}

/** Loads a slice of layers as wide as the 1.3B model's, and says by how much that made this process grow. */
import { readFileSync } from 'node:fs';
import { parseTransformerConfig } from '../../../runner/model/component-configs.ts';
import { sliceGraph } from '../../../runner/model/layers.ts';
import { cpuDevices, type Device } from '../../../runner/ort/device.ts';
import { createSession } from '../../../runner/ort/session.ts';
import { openWeights } from '../../../runner/weights/shards.ts';
import { CONFIGS } from '../../full-size/published-configs.ts';

/** What the program is started with. */
export interface SliceToLoad {
  readonly folder: string;
  readonly firstLayer: number;
  readonly endLayer: number;
}

/** What it says. */
export interface LoadedSlice {
  readonly bytes: number;
}

export const WIDE = parseTransformerConfig(CONFIGS['Wan2.1-T2V-1.3B']['transformer/config.json']);

/** Memory of its own; pages of files that are only mapped may go at any time. */
function ownBytes(): number {
  const kilobytes = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))![1];
  return Number(kilobytes) * 1024;
}

function load({ folder, firstLayer, endLayer }: SliceToLoad): LoadedSlice {
  const weights = openWeights(folder, 'wide', 'weights');
  const [device] = cpuDevices(1) as [Device];
  const graph = (end: number) =>
    sliceGraph(WIDE, weights.tensors, { attention: 'cpu', dtype: 'F32', firstLayer, endLayer: end, contextTokens: 0 });
  const { bytes } = graph(endLayer);
  globalThis.gc?.();
  const before = ownBytes();
  const session = createSession(bytes, { device, weightsFolder: weights.folder, intraOpThreads: 1 });
  const after = ownBytes();
  session.release();
  return { bytes: after - before };
}

const [, , task] = process.argv;
if (import.meta.main && task !== undefined) console.log(JSON.stringify(load(JSON.parse(task) as SliceToLoad)));

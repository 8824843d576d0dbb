import { expect, test } from 'vitest';
import { graphBuilder } from '../../runner/model/graph.ts';
import { binary, cast, linear, reshape, slice } from '../../runner/model/ops.ts';
import { unaccounted } from './launches.ts';
import { eventsIn } from './log.ts';

/** Two casts of the same numbers, which are one, a product with its bias, and the first two of the result's rows of eight bytes. */
function graph() {
  const stored = (shape: readonly number[]) => ({ dtype: 'F16', shape, file: 'none', offset: 0 }) as const;
  const weight = { ...stored([4, 4]), byteLength: 32 };
  const bias = { ...stored([4]), byteLength: 8 };
  const g = graphBuilder(
    'graph',
    new Map([
      ['layer.weight', weight],
      ['layer.bias', bias],
    ] as const),
  );
  const x = g.input('x', 'F32', ['S', 4]);
  const sum = binary(g, 'Add', cast(g, x, 'F16'), cast(g, x, 'F16'));
  const rows = linear(g, reshape(g, sum, ['S', 4]), { name: 'layer', from: 4, to: 4 }, 'F16');
  g.output('y', slice(g, rows, 0, 0, 2));
  return g.finish();
}

const LINES = ['launch _UnaryElementWiseOP_Cast', 'launch _BinaryElementWiseOP_Add', 'product cublasGemmEx'];
const ALL = [...LINES, 'product cublasGemmEx', 'copy 0 to 0 bytes 16 stream'];

test.each([
  { what: 'all that the graph says', lines: ['wait', ...ALL, 'allocate 8 live 8'], done: [], notDone: [] },
  { what: 'a kernel of no operation', lines: [...ALL, 'launch _Transpose'], done: ['launch _Transpose'], notDone: [] },
  { what: 'a kernel twice', lines: [...ALL, LINES[0]!], done: [LINES[0]!], notDone: [] },
  { what: 'memory that is cleared', lines: [...ALL, 'set 64'], done: ['set 64'], notDone: [] },
  {
    what: 'another copy, and one from the host',
    lines: [...LINES, 'product cublasGemmEx', 'copy 0 to 0 bytes 64 stream', 'copy -1 to 0 bytes 16 stream'],
    done: ['copy 0 to 0 bytes 64 stream', 'copy -1 to 0 bytes 16 stream'],
    notDone: ['copy of 16 bytes'],
  },
  { what: 'a kernel less', lines: ALL.slice(1), done: [], notDone: ['Cast'] },
])('what a device did is held against the graph: $what', ({ lines, done, notDone }) => {
  const events = eventsIn(lines.map((line) => `7 0 ${line}\n`).join(''));
  expect(unaccounted(graph(), { S: 3 }, events)).toEqual({ done, notDone });
});

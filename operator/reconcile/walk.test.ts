import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const read = (path: string) => readFileSync(join(import.meta.dirname, path), 'utf8');

it('the manual lists the gates in the order in which they are walked', () => {
  const [, list = ''] = /const GATES[^[]*\[\]? = \[(.*?)\];/s.exec(read('gates.ts')) ?? [];
  const walked = list.match(/^ {2}\w+/gm)?.map((gate) => gate.trim()) ?? [];
  const [, table = ''] = /\| gate \| asks .*?\n(.*?)\n\n/s.exec(read('../README.md')) ?? [];
  const listed = table.match(/(?<=^\| `)\w+/gm) ?? [];
  expect(walked.length).toBeGreaterThan(10);
  expect([...listed]).toEqual(walked);
});

it('the drawing above the gates is that of the manual', () => {
  const [, drawing = ''] = /## The life of an attempt\n\n```\n([\s\S]*?)\n```/.exec(read('../README.md')) ?? [];
  const lines = drawing.split('\n').map((line) => ` * ${line}`.trimEnd());
  expect(lines.length).toBeGreaterThan(10);
  expect(read('gates.ts')).toContain(lines.join('\n'));
});

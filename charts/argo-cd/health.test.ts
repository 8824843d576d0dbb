import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lua } from 'wasmoon-lua5.1';
import { videoGeneration, withStatus } from '../../test/build/video-generation.ts';

/** Argo CD runs it as Lua 5.1, and so does this. */
const SCRIPT = readFileSync(join(import.meta.dirname, 'health.lua'), 'utf8');
let lua: Lua;
beforeAll(async () => {
  lua = await Lua.create();
});
afterAll(() => lua.global.close());

/** What the script says of an object, as Argo CD gives it: in tables, lists from 1 on. */
function healthOf(object: object): { status: string; message: string } {
  const { status, message } = lua.doStringSync(`obj = ${luaText(JSON.parse(JSON.stringify(object)))}\n${SCRIPT}`);
  return { status, message };
}

/** A JSON value as Lua writes it; texts are of ASCII here. */
function luaText(value: unknown): string {
  if (value === null) return 'nil';
  if (Array.isArray(value)) return `{${value.map(luaText).join(', ')}}`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, field]) => `[${JSON.stringify(name)}] = ${luaText(field)}`);
  return `{${fields.join(', ')}}`;
}

const film = (status: object, spec: object = {}) => {
  const made = videoGeneration(withStatus(status as never));
  return { ...made, spec: { ...(made.spec as object), ...spec } };
};
const stalled = { type: 'Stalled', status: 'True', reason: 'InvalidSpec', message: 'cannot be carried out' };

describe('the health of a film in Argo CD', () => {
  it.each<[string, object, { status: string; message: string }]>([
    [
      'that nobody has looked at',
      videoGeneration(),
      { status: 'Progressing', message: 'The operator has not seen it yet' },
    ],
    [
      'that waits',
      film({ phase: 'Queued', reason: 'Unschedulable', message: '0/1 nodes are available', observedGeneration: 1 }),
      { status: 'Progressing', message: 'Unschedulable: 0/1 nodes are available' },
    ],
    [
      'that is made',
      film({ phase: 'Running', progress: { percent: 42 }, conditions: [{ ...stalled, status: 'False' }] }),
      { status: 'Progressing', message: '42 % of the work is done' },
    ],
    [
      'that was changed since',
      film({ phase: 'Queued', observedGeneration: 0, conditions: [stalled] }),
      { status: 'Progressing', message: 'The operator has not seen its last change yet' },
    ],
    [
      'that somebody has to mend',
      film({ phase: 'Queued', observedGeneration: 1, conditions: [stalled] }),
      { status: 'Degraded', message: 'InvalidSpec: cannot be carried out' },
    ],
    [
      'that is suspended',
      film({ phase: 'Queued', reason: 'Suspended', message: 'by its queue' }, { suspend: true }),
      { status: 'Suspended', message: 'Suspended: by its queue' },
    ],
    [
      'that its queue has suspended',
      film({ phase: 'Queued', reason: 'Suspended', message: 'by its queue' }),
      { status: 'Suspended', message: 'Suspended: by its queue' },
    ],
    [
      'that is there',
      film({ phase: 'Succeeded', output: { location: 'pvc://films/a/video.mp4' } }),
      { status: 'Healthy', message: 'pvc://films/a/video.mp4' },
    ],
    [
      'that will not come',
      film({ phase: 'Failed', reason: 'E_PLAN_STAGES', message: '8 stages want 8 layers' }),
      { status: 'Degraded', message: 'E_PLAN_STAGES: 8 stages want 8 layers' },
    ],
  ])('%s', (_what, object, health) => {
    expect(healthOf(object)).toEqual(health);
  });
});

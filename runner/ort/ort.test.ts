import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, expect, test } from 'vitest';
import { onnxBytes } from '../model/onnx.ts';
import { createBinding } from './binding.ts';
import { cancelWork } from './cancel.ts';
import { cpuDevices } from './device.ts';
import { runOnce } from './run-once.ts';
import { createSession, type Session } from './session.ts';
import { hostValue } from './value.ts';

const [cpu] = cpuDevices(1);
const open: { release(): void }[] = [];
afterAll(() => {
  for (const item of open.reverse()) item.release();
});

/** y = x·wᵀ + b over rows of four numbers. */
function linearGraph(): Uint8Array {
  return onnxBytes({
    name: 'linear',
    opset: 23,
    inputs: [{ name: 'x', dtype: 'F32', shape: ['S', 4] }],
    outputs: [{ name: 'y', dtype: 'F32', shape: ['S', 2] }],
    nodes: [{ op: 'Gemm', domain: '', inputs: ['x', 'w', 'b'], outputs: ['y'], attributes: { transB: 1n } }],
    initializers: [
      { name: 'w', dtype: 'F32', shape: [2, 4], source: bytes([1, 0, 0, 0, 0, 1, 1, 1]) },
      { name: 'b', dtype: 'F32', shape: [2], source: bytes([10, 20]) },
    ],
  });
}

function bytes(values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

function linear(): Session {
  const session = createSession(linearGraph(), { device: cpu!, intraOpThreads: 1 });
  open.push(session);
  return session;
}

test('a graph runs once and gives its outputs by name', () => {
  const session = linear();
  const x = { shape: [2, 4], data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) };
  expect([session.inputs, session.outputs]).toEqual([['x'], ['y']]);
  expect(runOnce(session, { x })).toEqual({ y: { shape: [2, 2], data: Float32Array.of(11, 29, 15, 41) } });
});

test('a binding reads and writes shared memory in place, run after run', () => {
  const binding = createBinding(linear());
  const input = new Float32Array(new SharedArrayBuffer(16));
  const output = new Float32Array(new SharedArrayBuffer(64), 32, 2);
  const x = hostValue(input, 'F32', [1, 4]);
  const y = hostValue(output, 'F32', [1, 2]);
  open.push(x, y, binding);
  binding.bindInput('x', x);
  binding.bindOutput('y', y);
  const seen: number[][] = [];
  for (let run = 0; run < 3; run++) {
    input.fill(run);
    binding.run();
    seen.push([...output]);
  }
  expect(seen).toEqual([
    [10, 20],
    [11, 23],
    [12, 26],
  ]);
});

const WORKER = `
import { createBinding } from './binding.ts';
import { cancelHandles } from './cancel.ts';
import { cpuDevices } from './device.ts';
import { createSession } from './session.ts';
import { hostValue } from './value.ts';
import { parentPort, workerData } from 'node:worker_threads';
const session = createSession(workerData.model, { device: cpuDevices(1)[0], intraOpThreads: 1 });
const binding = createBinding(session);
const values = [hostValue(workerData.input, 'F32', [1, 4]), hostValue(workerData.output, 'F32', [1, 2])];
binding.bindInput('x', values[0]);
binding.bindOutput('y', values[1]);
binding.run();
parentPort.postMessage({ cancel: cancelHandles() });
parentPort.once('message', () => {
  let code = 'ran';
  try { binding.run(); } catch (error) { code = error.code; }
  let loading = 'loaded';
  try { createSession(workerData.model, { device: cpuDevices(1)[0] }); } catch (error) { loading = error.code; }
  binding.release(); for (const value of values) value.release(); session.release();
  parentPort.postMessage({ code, loading });
});
`;

test('a worker computes over memory of the main thread, which can cancel its runs and loads', async () => {
  const input = new Float32Array(new SharedArrayBuffer(16)).fill(1);
  const output = new Float32Array(new SharedArrayBuffer(8));
  const source = WORKER.replaceAll("from './", `from '${new URL('.', import.meta.url).href}`);
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    workerData: { model: linearGraph(), input, output },
  });
  const [first] = await once(worker, 'message');
  expect([...output]).toEqual([11, 23]);
  cancelWork(first.cancel);
  worker.postMessage('again');
  const [second] = await once(worker, 'message');
  expect(second).toEqual({ code: 'E_DEVICE_STOPPED', loading: 'E_DEVICE_STOPPED' });
  const [exitCode] = await once(worker, 'exit');
  expect(exitCode).toBe(0);
});

/** A session with everything bound that it needs, and a number that the graph makes of it. */
function bound() {
  const session = createSession(linearGraph(), { device: cpu!, intraOpThreads: 1 });
  const output = new Float32Array(2);
  const x = hostValue(Float32Array.of(1, 2, 3, 4), 'F32', [1, 4]);
  const y = hostValue(output, 'F32', [1, 2]);
  const binding = createBinding(session);
  binding.bindInput('x', x);
  binding.bindOutput('y', y);
  return { session, x, y, binding, output };
}

test('what a binding names lives as long as the binding, in whatever order its makers let go', () => {
  const { session, x, y, binding, output } = bound();
  session.release();
  for (const value of [x, y]) value.release();
  binding.run();
  expect([...output]).toEqual([11, 29]);
  binding.release();
});

const RELEASED: readonly { name: string; act: (all: ReturnType<typeof bound>) => unknown }[] = [
  { name: 'running a binding', act: ({ binding }) => binding.run() },
  { name: 'binding an input', act: ({ binding, x }) => binding.bindInput('x', x) },
  { name: 'making a binding', act: ({ session }) => createBinding(session) },
  { name: 'running once', act: ({ session }) => runOnce(session, { x: { shape: [1, 4], data: new Float32Array(4) } }) },
  {
    name: 'binding a released value',
    act: ({ x }) => {
      const other = bound();
      open.push(other.binding, other.session, other.x, other.y);
      other.binding.bindInput('x', x);
    },
  },
];

test.each(RELEASED)('$name after a release is an error, not a crash', ({ act }) => {
  const all = bound();
  for (const item of [all.binding, all.x, all.y, all.session]) {
    item.release();
    item.release();
  }
  expect(() => act(all)).toThrow(expect.objectContaining({ code: 'E_DEVICE_RELEASED' }));
});

test('the library survives the threads that used it', async () => {
  const session = linear();
  expect(runOnce(session, { x: { shape: [1, 4], data: new Float32Array(4) } }).y?.data).toEqual(
    Float32Array.of(10, 20),
  );
});

const FAILURES = [
  {
    name: 'a damaged graph',
    act: () => createSession(Uint8Array.of(1, 2, 3), { device: cpu!, label: 'layers 0–3' }),
    message: /^the inference runtime failed on cpu:0 while loading layers 0–3: /,
  },
  {
    name: 'a buffer of the wrong length',
    act: () => hostValue(new Float32Array(3), 'F32', [2, 2]),
    message: /needs 16 bytes, found 12$/,
  },
  {
    name: 'a name that the graph does not have',
    act: () => createBinding(linear()).bindInput('z', hostValue(new Float32Array(1), 'F32', [1])),
    message: /the graph has no "z", only: x$/,
  },
  {
    name: 'a wrong shape',
    act: () => runOnce(linear(), { x: { shape: [1, 3], data: new Float32Array(3) } }),
    message: /Got: 3 Expected: 4/,
  },
];

test.each(FAILURES)('$name is a coded error of one line', ({ act, message }) => {
  expect(act).toThrow(expect.objectContaining({ code: 'E_DEVICE_RUNTIME', message: expect.stringMatching(message) }));
  expect(act).toThrow(expect.objectContaining({ message: expect.not.stringContaining('\n') }));
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { torchEnvironment } from '../torch/python.ts';

/** PyTorch's layers and product in a process of its own, which computes only while it is asked to. */
export interface TorchLayers {
  /** PyTorch's version. */
  readonly version: string;
  /** "eager" or "compiled", whichever is faster. */
  readonly form: string;
  milliseconds(what: 'layers' | 'product', times: number): Promise<Milliseconds>;
  close(): void;
}

/** Of one of several runs, on average: by the clock, and of all threads together. */
export interface Milliseconds {
  readonly wall: number;
  readonly processor: number;
}

/** What `programs/torch-layers.py` is told. */
export interface TorchTask {
  readonly device: 'cpu' | 'cuda';
  readonly threads: number;
  readonly type: 'F32' | 'BF16';
  readonly heads: number;
  readonly headWidth: number;
  readonly feedForward: number;
  readonly channels: number;
  readonly layers: number;
  readonly ends: boolean;
  /** The window in patches. */
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  readonly context: number;
  readonly text: number;
}

/** Starts it; resolves once the layers are loaded and compiled. */
export async function openTorchLayers(python: string, task: TorchTask): Promise<TorchLayers> {
  const program = join(import.meta.dirname, 'programs/torch-layers.py');
  const child = spawn(python, [program], { stdio: ['pipe', 'pipe', 'inherit'], env: torchEnvironment() });
  const lines = createInterface({ input: child.stdout });
  // Not 'close': what a process has left behind may hold its output open for as long as it likes.
  const ended = once(child, 'exit').then(([code, signal]) => {
    child.stdout.destroy();
    throw new Error(`${python} ${program} ended with ${code ?? signal}`);
  });
  ended.catch(() => undefined);
  // A question that comes too late for it breaks the pipe. That it has ended is told by its end.
  child.stdin.on('error', () => undefined);
  const ask = async (line: string): Promise<unknown> => {
    const answer = once(lines, 'line');
    child.stdin.write(`${line}\n`);
    return JSON.parse(String((await Promise.race([answer, ended]))[0]));
  };
  const { torch, form } = (await ask(JSON.stringify(task))) as { torch: string; form: string };
  return {
    version: torch,
    form,
    milliseconds: async (what, times) => (await ask(`${what} ${times}`)) as Milliseconds,
    close: () => child.stdin.end(),
  };
}

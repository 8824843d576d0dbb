/** PyTorch for tests that compare with it on the spot. Where it is not installed they are skipped by name. */

import { spawnSync } from 'node:child_process';

/** A Python that has what a test needs, or why there is none. */
export type TorchPython =
  | { readonly ok: true; readonly python: string }
  | { readonly ok: false; readonly reason: string };

/**
 * The Python of DUALPARAL_TORCH_PYTHON, else `python3`, if it can import the modules. For a test's title: the reason says what
 * is missing.
 */
export function findTorchPython(modules: readonly string[] = ['torch']): TorchPython {
  const python = process.env.DUALPARAL_TORCH_PYTHON || 'python3';
  const specs = modules.map((name) => `importlib.util.find_spec(${JSON.stringify(name)}) is not None`);
  const code = `import importlib.util, sys; sys.exit(0 if ${specs.join(' and ')} else 1)`;
  const { status } = spawnSync(python, ['-c', code], { stdio: 'ignore', env: torchEnvironment() });
  if (status === 0) return { ok: true, python };
  return { ok: false, reason: `skipped: ${python} has no ${modules.join(' and ')}; set DUALPARAL_TORCH_PYTHON` };
}

/**
 * Variables for PyTorch's process. It brings CUDA's libraries of its own, which those that `npm run gpu` adds to the loader's path
 * (test/gpu/cuda-libraries.ts) must not take the place of.
 */
export function torchEnvironment(environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const { LD_LIBRARY_PATH: path = '', [ADDED]: added, ...others } = environment;
  if (added === undefined) return environment;
  const folders = path.split(':').filter((folder) => folder !== added);
  return { ...others, ...(folders.join('') === '' ? {} : { LD_LIBRARY_PATH: folders.join(':') }) };
}

/** Names the folder that was added. */
export const ADDED = 'DUALPARAL_CUDA_ADDED';

/** Runs a Python program with JSON on its standard input, and reads JSON from its standard output. */
export function runPython(python: string, program: string, input: unknown): unknown {
  const options = { encoding: 'utf8', maxBuffer: 2 ** 28, env: torchEnvironment() } as const;
  const run = spawnSync(python, [program], { ...options, input: JSON.stringify(input) });
  if (run.status !== 0) throw new Error(`${python} ${program} ended with ${run.status}: ${run.stderr}`);
  return JSON.parse(run.stdout);
}

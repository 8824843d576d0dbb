#!/usr/bin/env node
// Runs the TypeScript command line with Node 24: this Node if it is new enough, else the one that npm installed here.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('../runner/cli/main.ts', import.meta.url));
const installed = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
const isNewEnough = Number(process.versions.node.split('.')[0]) >= 24;

if (isNewEnough) {
  await import(new URL('../runner/cli/main.ts', import.meta.url).href);
} else if (existsSync(installed)) {
  const run = startWith(installed);
  process.exitCode = await new Promise((resolve) => {
    run.once('error', (error) => {
      console.error(`E_NODE_VERSION: ${installed} cannot be started (${error.message}): run 'npm ci' again`);
      resolve(2);
    });
    // A process that a signal ended has no exit code: shells give it this one.
    run.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
} else {
  console.error(
    `E_NODE_VERSION: Node ${process.versions.node} is too old and node_modules holds no newer one: run 'npm ci' first`,
  );
  process.exitCode = 2;
}

/**
 * The command line under another Node. It has a process group of its own, so that Ctrl-C, which reaches the whole group in front
 * of a terminal, comes once: from here. The channel tells it when this process dies.
 */
function startWith(node) {
  const run = spawn(node, [entry, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: true,
    env: { ...process.env, DUALPARAL_LAUNCHER: '1' },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGWINCH'])
    process.on(signal, () => run.kill(signal));
  process.on('SIGTSTP', () => {
    run.kill('SIGTSTP');
    process.kill(process.pid, 'SIGSTOP');
  });
  process.on('SIGCONT', () => run.kill('SIGCONT'));
  return run;
}

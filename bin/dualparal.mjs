#!/usr/bin/env node
// Runs the TypeScript command line with Node 24: this Node if it is new enough, else the one that npm installed here.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('../runner/cli/main.ts', import.meta.url));
const installed = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
const isNewEnough = Number(process.versions.node.split('.')[0]) >= 24;

if (isNewEnough) {
  await import(new URL('../runner/cli/main.ts', import.meta.url).href);
} else if (existsSync(installed)) {
  // Ctrl-C reaches the whole terminal group: the child decides how to stop, so this process must outlive it.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  const run = spawnSync(installed, [entry, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = run.status ?? 1;
} else {
  console.error(
    `E_NODE_VERSION: Node ${process.versions.node} is too old and node_modules holds no newer one: run 'npm ci' first`,
  );
  process.exitCode = 2;
}

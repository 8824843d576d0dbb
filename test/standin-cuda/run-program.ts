import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type StandIn, standInEnvironment } from './build.ts';

/** Where the stand-in logs, and how it misbehaves. */
export interface StandInRun {
  readonly log: string;
  readonly faults?: Readonly<Record<string, string>>;
}

/**
 * Runs a program of this folder in a process of its own on the stand-in: what it told by its last line, and what the devices were asked for. One
 * that told nothing came to `silent`, with what it wrote on standard error as the error.
 */
export function runOnStandIn<End extends { readonly error: unknown }>(
  standIn: StandIn,
  program: string,
  task: unknown,
  silent: Omit<End, 'error'>,
  { log, faults = {} }: StandInRun,
): End & { readonly log: string } {
  const env = { ...process.env, ...standInEnvironment(standIn, log), ...faults };
  const words = [join(import.meta.dirname, program), JSON.stringify(task)];
  const { stdout, stderr } = spawnSync(process.execPath, words, { env, encoding: 'utf8', timeout: 110_000 });
  const end: End = JSON.parse(stdout.trim().split('\n').at(-1) || JSON.stringify({ ...silent, error: stderr }));
  return { ...end, log: readFileSync(log, 'utf8') };
}

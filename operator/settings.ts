import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { defineErrors } from '#contract/error.ts';
import type { RunnerFields } from '#contract/runner-fields.ts';
import { PROGRESS_PATH } from './progress/server.ts';
import { readRunnerDefaults } from './runner-defaults-file.ts';
import { LOG_LEVELS } from './telemetry/log.ts';

const port = z.coerce.number().int().min(0).max(65_535);
const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Every setting: its schema with default and description; its flag and variable follow from its name. */
const SETTINGS = {
  runnerImage: z.string().min(1).describe('image of the runner (required)'),
  runnerPullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent').describe('when nodes pull it'),
  runnerDefaults: z
    .string()
    .min(1)
    .optional()
    .describe('file with defaults for spec.runner of every film, in YAML; read at the start'),
  namespace: z
    .string()
    .min(1)
    .default('dualparal-system')
    .describe('namespace of the operator: its lease and its Secret'),
  watchNamespaces: z
    .string()
    .transform(namesIn)
    .pipe(z.array(z.string().regex(NAMESPACE, 'is no name of a namespace')))
    .default([])
    .describe('look after these namespaces only, with commas between them; default: all'),
  progressUrl: z
    .url({ protocol: /^https$/ })
    .optional()
    .describe('address to which runners report; default: the Service dualparal-operator'),
  progressCertificate: z
    .string()
    .min(1)
    .optional()
    .describe('folder with tls.crt, tls.key and ca.crt for it; default: an authority of its own, kept in a Secret'),
  progressPort: port.default(8443).describe('port of the progress endpoint'),
  healthPort: port.default(8080).describe('port of /livez, /readyz and /metrics'),
  leaderElection: flag.default(true).describe('hold a lease while working, so that a second replica waits'),
  identity: z.string().min(1).default(hostname()).describe('name under which the lease is held'),
  workers: z.coerce.number().int().min(1).max(64).default(8).describe('resources looked after at the same time'),
  allowHostPath: flag.default(false).describe('let resources mount folders of the node as models'),
  kueue: flag.default(false).describe('read the Workloads of Kueue, to say in its words why a film waits in a queue'),
  logLevel: z.enum(LOG_LEVELS).default('info').describe('least level of log lines'),
} as const;

type Name = keyof typeof SETTINGS;
const schema = z.object(SETTINGS);

/** The operator's settings, read once at its start. */
export type Settings = Readonly<Omit<z.output<typeof schema>, 'runnerDefaults'>> & {
  readonly progressUrl: string;
  /** What every film's `spec.runner` starts from. */
  readonly runnerDefaults: RunnerFields;
};

export const settingsError = defineErrors({
  E_OPERATOR_SETTINGS: { message: '{problems}; see --help', fixer: 'administrator', exit: 'usage' },
});

/** Reads flags, variables and the file of `--runner-defaults`; a flag wins. Undefined where only help was asked for. */
export function readSettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Settings | undefined {
  const given = readFlags(args);
  if (given.help === true) return undefined;
  const raw = Object.fromEntries(names().flatMap((name) => pairOf(name, given[flagOf(name)] ?? env[variableOf(name)])));
  const parsed = schema.safeParse(raw);
  if (!parsed.success) throw settingsError('E_OPERATOR_SETTINGS', { problems: problemsOf(parsed.error, raw) });
  const { namespace, progressUrl, runnerDefaults } = parsed.data;
  return {
    ...parsed.data,
    progressUrl: progressUrl ?? `https://dualparal-operator.${namespace}.svc:8443${PROGRESS_PATH}`,
    runnerDefaults: runnerDefaults === undefined ? {} : readRunnerDefaults(runnerDefaults),
  };
}

/** Text of `--help`. */
export function settingsHelp(): string {
  const lines = names().map((name) => {
    const field: z.ZodType = SETTINGS[name];
    const standard = field instanceof z.ZodDefault && name !== 'identity' ? String(field.def.defaultValue) : '';
    const usual = standard === '' ? '' : ` [${standard}]`;
    return `  --${flagOf(name).padEnd(20)} ${variableOf(name).padEnd(32)} ${field.description ?? ''}${usual}`;
  });
  return [
    'Turns VideoGenerations into Jobs that make the films. Runs in a cluster, or outside with KUBECONFIG.',
    '',
    'usage: node operator/main.ts [--flag value]…',
    '',
    ...lines,
    '',
    'Each flag may be given as the variable beside it. Exit codes: 0 stopped as asked, 1 failed, 2 wrong settings.',
    '',
  ].join('\n');
}

function readFlags(args: readonly string[]): Readonly<Record<string, string | boolean | undefined>> {
  const options = Object.fromEntries(names().map((name) => [flagOf(name), { type: 'string' as const }]));
  try {
    return parseArgs({ args: [...args], options: { ...options, help: { type: 'boolean', short: 'h' } } }).values;
  } catch (error) {
    throw settingsError('E_OPERATOR_SETTINGS', { problems: (error as Error).message });
  }
}

function problemsOf(error: z.ZodError, raw: Readonly<Record<string, unknown>>): string {
  const lines = error.issues.map((issue) => {
    const name = String(issue.path[0]) as Name;
    const found = raw[name];
    const problem = found === undefined ? 'is required' : `${issue.message}, found '${String(found)}'`;
    return `--${flagOf(name)} (${variableOf(name)}): ${problem}`;
  });
  return lines.join('; ');
}

/** Names with commas between them, each once. */
function namesIn(text: string): string[] {
  const parts = text.split(',').map((part) => part.trim());
  return [...new Set(parts.filter((part) => part !== ''))];
}

function names(): readonly Name[] {
  return Object.keys(SETTINGS) as Name[];
}

function pairOf(name: Name, value: string | boolean | undefined): readonly (readonly [Name, string | boolean])[] {
  return value === undefined || value === '' ? [] : [[name, value]];
}

function flagOf(name: Name): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function variableOf(name: Name): string {
  return `DUALPARAL_${flagOf(name).replaceAll('-', '_').toUpperCase()}`;
}

import { type OwnEnd, valuesIn } from './own-process.ts';

/** What the process says that tries to load CUDA's libraries and the runtime's provider: what it is at, and what is wrong with that. */
export type TrialLine = { readonly at: string } | { readonly problem: string };

/** How that process ended; it has told lines of {@link TrialLine}, and its log is where the runtime says why it cannot load its provider. */
export type TrialEnd = Omit<OwnEnd, 'isLate'>;

/** What a damaged library does to the process that loads it: it is mapped, and what its headers promise is not there. */
const FAULTS = ['SIGBUS', 'SIGSEGV', 'SIGABRT', 'SIGILL', 'SIGFPE'];
const NOT_FOUND = /^(Failed to load shared library: )?cannot open shared object file/;

/**
 * What cannot be loaded, each with the loader's words, or its bare name where it is not there. Nothing where the process did not get to it:
 * a trial that could not be made says nothing about the libraries.
 */
export function problemsIn({ told, stderr, status, signal }: TrialEnd): readonly string[] {
  let at: string | undefined;
  const problems: string[] = [];
  for (const line of valuesIn(told) as readonly TrialLine[]) {
    if ('at' in line) at = line.at;
    else problems.push(NOT_FOUND.test(line.problem) ? at! : (loaderWords(stderr, at!) ?? `${at} (${line.problem})`));
  }
  if (at === undefined || status === 0) return problems;
  if (signal === null) return [...problems, `${at} (a process that loaded it ended with exit code ${status})`];
  if (!FAULTS.includes(signal)) return problems;
  return [...problems, `${at} (a process that loaded it ended by ${signal}: it, or what it needs, is damaged)`];
}

/**
 * The system's reason in what the runtime logs: "… Failed to load library FILE with error: FILE: file too short", where the second one may also be
 * a library that FILE needs. With the name of the file at fault: `at`, or the other part of the runtime's provider.
 */
function loaderWords(log: string, at: string): string | undefined {
  const found = /Failed to (?:load library|get symbol) ([^\n]+?) with error: ([^\n]+)/.exec(log);
  if (found === null) return undefined;
  const [, asked, words] = found as unknown as [string, string, string];
  const file = [asked, at].find((name) => words.startsWith(`${name}: `));
  return file === undefined ? `${at} (${words})` : `${file} (${words.slice(file.length + 2)})`;
}

import type { Bench, BenchRequest, Choice } from './bench.ts';

/** What a choice is called on the command line. */
const FLAGS: Readonly<Record<Choice, string>> = { tokens: '--tokens', widths: '--width', peer: '--peer' };

/** What is wrong with asking that of these benchmarks, by name; undefined where nothing is: what none of them reads is no request of theirs. */
export function misuse(benches: Readonly<Record<string, Bench>>, request: BenchRequest): string | undefined {
  const names = Object.keys(benches).join(', ');
  const all = Object.values(benches);
  for (const choice of Object.keys(FLAGS) as Choice[]) {
    if (request[choice] === undefined || all.some(({ reads = [] }) => reads.includes(choice))) continue;
    return `${FLAGS[choice]} is not for ${names}`;
  }
  const known = all.flatMap(({ sizes = [] }) => sizes);
  const unknown = Object.keys(request.sizes ?? {}).filter((name) => !known.includes(name));
  if (unknown.length === 0) return undefined;
  const words = known.length === 0 ? `--size is not for ${names}` : `sizes: ${known.join(', ')}`;
  return `no size named ${unknown.join(', ')}; ${words}`;
}

/** `films=2000` as a name and a number. Throws a plain error. */
export function sizesOf(given: readonly string[]): Readonly<Record<string, number>> {
  const pairs = given.map((text): [string, number] => {
    const [, name, count] = /^([^=]+)=([1-9]\d*)$/.exec(text) ?? [];
    if (name === undefined) throw new Error(`--size is ${text}, wanted NAME=N`);
    return [name, Number(count)];
  });
  return Object.fromEntries(pairs);
}

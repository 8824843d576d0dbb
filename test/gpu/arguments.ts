import { parseArgs } from 'node:util';
import { PARTS, type PartName } from './parts.ts';

/** What `npm run gpu` was asked for. */
export interface GpuArguments {
  readonly report: string;
  readonly parts: readonly PartName[];
  readonly device: 'cpu' | 'cuda';
  readonly small: boolean;
}

/** Reads the words of the command line, or says what is wrong with them; `tryReport` throws where the report cannot be written. */
export function readArguments(
  words: readonly string[],
  tryReport: (file: string) => void = () => {},
): GpuArguments | { readonly problem: string } {
  try {
    const found = parse(words);
    tryReport(found.report);
    return found;
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

/** Throws plain errors. */
function parse(words: readonly string[]): GpuArguments {
  const { values } = parseArgs({
    args: [...words],
    options: {
      report: { type: 'string', default: 'out/gpu.json' },
      parts: { type: 'string' },
      device: { type: 'string', default: 'cuda' },
      small: { type: 'boolean', default: false },
    },
  });
  const { report, device, small } = values;
  if (device !== 'cpu' && device !== 'cuda') throw new Error(`--device is ${device}, wanted cuda or cpu`);
  const names = Object.keys(PARTS) as PartName[];
  const asked = values.parts?.split(',') ?? names;
  const unknown = asked.filter((name) => !Object.hasOwn(PARTS, name));
  if (unknown.length > 0) throw new Error(`no part named ${unknown.join(', ')}; parts: ${names.join(', ')}`);
  return { report, parts: names.filter((name) => asked.includes(name)), device, small };
}

import { type Outcome, playSchedule } from './schedule.ts';

/** Says what was broken, how to see it again, and the last lines before it was. */
export async function describeBroken({ seed, mix, broken }: Outcome, lines: number): Promise<string> {
  const head = `seed ${seed}, ${mix}: ${broken.join('; ')}`;
  if (lines === 0) return head;
  const { trace } = await playSchedule(seed, mix, true);
  const end = trace.findIndex((line) => line.includes('BROKEN')) + 1;
  const tail = trace.slice(Math.max(0, end - lines), end).map((line) => `  ${line}`);
  return [head, `again: npm run simulate -- --seed ${seed} --mix ${mix} --trace`, ...tail].join('\n');
}

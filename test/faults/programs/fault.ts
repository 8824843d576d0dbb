/** Environment variable that tells a failing program, as JSON, what to do wrong; threads inherit it. */
export const FAULT_VARIABLE = 'DUALPARAL_TEST_FAULT';

/** What a stage does wrong at one item, or while it loads: throws, dies without a word, or never comes back. */
export interface Fault {
  readonly stage: number;
  readonly item: number | 'loading';
  readonly how: 'throw' | 'exit' | 'hang';
}

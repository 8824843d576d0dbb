/** Loaded before `simulate.ts` with `--import`: changes the operator's sources as the fault of SIMULATE_FAULT says. */
import { registerHooks } from 'node:module';
import { FAULTS, patched } from './faults.ts';

const fault = FAULTS.find(({ name }) => name === process.env.SIMULATE_FAULT);
if (fault === undefined) throw new Error(`no fault is named ${process.env.SIMULATE_FAULT}`);

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const patches = fault.patches.filter(({ file }) => url.endsWith(`/operator/${file}`));
    if (patches.length === 0) return loaded;
    return { ...loaded, source: patched(String(loaded.source), patches) };
  },
});

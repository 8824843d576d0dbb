import { setFlagsFromString } from 'node:v8';

let isKept = false;

/**
 * Has the engine keep compiled WebAssembly until its module goes. It would give back what seems unused, also the pieces that all
 * threads share, and a thread that looks for such a piece at that moment frees it a second time: Node 24 then ends the process
 * (SIGTRAP, "Check failed: jit_page.has_value()"). Every thread has WebAssembly: Node's own, which takes the types out of TypeScript.
 * For before the first thread is started.
 */
export function keepWasmCode(): void {
  if (isKept) return;
  isKept = true;
  setFlagsFromString('--no-wasm-code-gc');
}

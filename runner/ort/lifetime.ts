import { deviceError } from './errors.ts';

/**
 * Who may still touch a piece of native memory. It is freed once its owner has released it and nobody holds it any more, in
 * whatever order that happens; so a handle that is in use somewhere is never a dangling one.
 */
export interface Lifetime {
  /** Throws `E_DEVICE_RELEASED` once the owner has released it. */
  check(): void;
  /** Keeps the memory until {@link letGo}. Throws `E_DEVICE_RELEASED` once the owner has released it. */
  hold(): void;
  letGo(): void;
  /** The owner's goodbye; a second one does nothing. */
  release(): void;
}

/** The life of what `free` frees; `what` names it in errors: "a binding of cpu:0". */
export function startLife(what: string, free: () => void): Lifetime {
  let isReleased = false;
  let holders = 0;

  function check(): void {
    if (isReleased) throw deviceError('E_DEVICE_RELEASED', { what });
  }

  return {
    check,
    hold() {
      check();
      holders += 1;
    },
    letGo() {
      holders -= 1;
      if (isReleased && holders === 0) free();
    },
    release() {
      if (isReleased) return;
      isReleased = true;
      if (holders === 0) free();
    },
  };
}

/** Releases `item` with the stack, last first. */
export function own<T extends { release(): void }>(stack: DisposableStack, item: T): T {
  return stack.adopt(item, (owned) => owned.release());
}

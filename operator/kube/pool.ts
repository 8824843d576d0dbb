/** Time that the API server has to begin its answer. */
export const DEADLINE_MS = 30_000;

/** How every pool of connections to the API server is made. */
export const POOL = { pipelining: 1, allowH2: false, keepAliveTimeout: 60_000, headersTimeout: DEADLINE_MS } as const;

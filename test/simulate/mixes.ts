/** How rough a schedule is. Shares are chances in [0, 1); times are milliseconds. */
export interface Mix {
  /** Watches: usual and longest lag, chance of a slow delivery, of a list anew (410), of a connection that has gone dead. */
  readonly lagMs: number;
  readonly longLagMs: number;
  readonly slow: number;
  readonly relist: number;
  readonly halfOpen: number;
  /** Chance that a request to the API server meets a fault. */
  readonly apiFault: number;
  /** Replicas of the operator, and the mean time between ends of the leader (undefined: it stays). */
  readonly replicas: number;
  readonly leaderLivesMs: number | undefined;
  /** Mean times between acts of people: edits and deletions. */
  readonly editEveryMs: number;
  readonly deleteEveryMs: number;
  /** Faults go on for so long; then everything gets a chance to come to rest. */
  readonly roughMs: number;
}

const SECOND = 1000;

export const MIXES = {
  mild: {
    ...{ lagMs: 300, longLagMs: 5 * SECOND, slow: 0.1, relist: 0.01, halfOpen: 0.002, apiFault: 0.03 },
    ...{ replicas: 1, leaderLivesMs: 240 * SECOND, editEveryMs: 90 * SECOND, deleteEveryMs: 150 * SECOND },
    roughMs: 150 * SECOND,
  },
  harsh: {
    ...{ lagMs: 2 * SECOND, longLagMs: 60 * SECOND, slow: 0.3, relist: 0.05, halfOpen: 0.02, apiFault: 0.2 },
    ...{ replicas: 1, leaderLivesMs: 120 * SECOND, editEveryMs: 40 * SECOND, deleteEveryMs: 50 * SECOND },
    roughMs: 180 * SECOND,
  },
  failover: {
    ...{ lagMs: SECOND, longLagMs: 40 * SECOND, slow: 0.25, relist: 0.03, halfOpen: 0.02, apiFault: 0.08 },
    ...{ replicas: 2, leaderLivesMs: 30 * SECOND, editEveryMs: 60 * SECOND, deleteEveryMs: 80 * SECOND },
    roughMs: 180 * SECOND,
  },
} as const satisfies Record<string, Mix>;

export type MixName = keyof typeof MIXES;
export const MIX_NAMES = Object.keys(MIXES) as MixName[];

/** No faults and short lags: how a schedule ends. */
export function calm(mix: Mix): Mix {
  return {
    ...mix,
    lagMs: 100,
    longLagMs: 500,
    slow: 0.01,
    relist: 0,
    halfOpen: 0,
    apiFault: 0,
    leaderLivesMs: undefined,
  };
}

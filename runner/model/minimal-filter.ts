/**
 * Minimal filtering (Winograd): `outputs` results of a kernel of three over `outputs + 2` inputs with as many products as there are
 * inputs, where the plain sum takes three for each result. For inputs d, kernel g and results y: `y = after · ((kernel · g) ⊙ (before · d))`.
 */
export interface MinimalFilter {
  readonly outputs: number;
  /** Results per product: `outputs + 2`. */
  readonly products: number;
  /** `[products, products]`, row by row; so are the others. */
  readonly before: readonly number[];
  /** `[products, 3]`. */
  readonly kernel: readonly number[];
  /** `[outputs, products]`. */
  readonly after: readonly number[];
  /** A product that enters every result once: what is added to it is added to all. */
  readonly common: number;
}

/** For two results: 4 products instead of 6. */
const TWO: MinimalFilter = {
  outputs: 2,
  products: 4,
  before: [
    [1, 0, -1, 0],
    [0, 1, 1, 0],
    [0, -1, 1, 0],
    [0, 1, 0, -1],
  ].flat(),
  kernel: [
    [1, 0, 0],
    [0.5, 0.5, 0.5],
    [0.5, -0.5, 0.5],
    [0, 0, 1],
  ].flat(),
  after: [
    [1, 1, 1, 0],
    [0, 1, -1, -1],
  ].flat(),
  common: 1,
};

/** For four results: 6 products instead of 12. */
const FOUR: MinimalFilter = {
  outputs: 4,
  products: 6,
  before: [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
  ].flat(),
  kernel: [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
  ].flat(),
  after: [
    [1, 1, 1, 1, 1, 0],
    [0, 1, -1, 2, -2, 0],
    [0, 1, 1, 4, 4, 0],
    [0, 1, -1, 8, -8, 1],
  ].flat(),
  common: 1,
};

/** The filter for so many results at once; undefined where there is none. */
export function minimalFilter(outputs: number): MinimalFilter | undefined {
  return [TWO, FOUR].find((filter) => filter.outputs === outputs);
}

import { z } from 'zod';

/** Where a runner asks the operator which films are deleted, beside the path of its reports. */
export const DELETED_FILMS_PATH = '/v1/deleted-films';
/** So many are asked for at once. */
export const MOST_FILMS_ASKED = 50;

/** A film by the folder that it is made in: `NAME/UIDPART-…`, of the namespace of whoever asks. */
const filmSchema = z.strictObject({
  name: z.string().min(1).max(253),
  uidPart: z.string().regex(/^[0-9a-f]{8}$/),
});
export type FilmFolder = Readonly<z.output<typeof filmSchema>>;

export const filmsAskedSchema = z.strictObject({ films: z.array(filmSchema).min(1).max(MOST_FILMS_ASKED) });
/** Those of them whose resource is known not to be there, and those of which that cannot be told now. */
export const deletedFilmsSchema = z.object({
  deleted: z.array(filmSchema).max(MOST_FILMS_ASKED),
  unknown: z.array(filmSchema).max(MOST_FILMS_ASKED).default([]),
});
export interface DeletedFilmsAnswer {
  readonly deleted: readonly FilmFolder[];
  readonly unknown: readonly FilmFolder[];
}

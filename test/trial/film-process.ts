/** A process that makes films of a trial, one at a time, so that its processor time is that of the film. */
import { type Kit, makeTrialFilm } from './make-film.ts';
import type { TrialPrompt } from './prompts.ts';
import { TABLES } from './ways.ts';

/** A film to make. */
export interface FilmOrder {
  readonly id: number;
  readonly table: string;
  readonly way: string;
  readonly prompt: TrialPrompt;
  readonly frames: number;
}

let kit: Kit | undefined;

process.on('message', async (message: { readonly kit: Kit } | FilmOrder) => {
  if ('kit' in message) {
    kit = message.kit;
    return;
  }
  const way = TABLES[message.table]!.find(({ name }) => name === message.way)!;
  const film = await makeTrialFilm(kit!, way, message.prompt, message.frames);
  process.send!({ id: message.id, film });
});

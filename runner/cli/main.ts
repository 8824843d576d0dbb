/**
 * Entry of the command line. What makes a film runs in a child of this process: a crash in native code takes the child only, and
 * this process is there to say what happened (`supervise.ts`).
 */
import { keepGoingWithoutScreen } from './lost-screen.ts';
import { makesFilm, needsSupervision } from './parent-link.ts';
import { supervise } from './supervise.ts';

const args = process.argv.slice(2);
if (needsSupervision(args, process.env)) {
  await supervise(import.meta.filename, args);
} else {
  keepGoingWithoutScreen(makesFilm(args));
  await import('./program.ts');
}

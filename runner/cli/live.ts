import { createLogUpdate } from 'log-update';
import type { Progress } from '#contract/progress.ts';
import type { Lane } from '../report/tracker.ts';
import { printJson, printNotes } from './print.ts';
import { headline, renderScreen } from './screen.ts';

/** Shows a run while it goes. */
export interface LiveView {
  show(progress: Progress, lanes: readonly Lane[]): void;
  /** Leaves the last view on the terminal. */
  done(): void;
}

export interface LiveOptions {
  readonly title: string;
  readonly steps: number;
  readonly json: boolean;
}

/** Share of the film between two lines where nobody can see a redraw. */
const LINE_EVERY_PERCENT = 10;

/** JSON lines on stdout, a redrawn view on a terminal, or a line now and then in a pipe or log (both on stderr). */
export function createLiveView({ title, steps, json }: LiveOptions): LiveView {
  if (json) return { show: (progress) => printJson({ progress }), done: () => {} };
  if (process.stderr.isTTY) return terminalView(title, steps);
  return lineView(title);
}

function terminalView(title: string, steps: number): LiveView {
  const update = createLogUpdate(process.stderr);
  return {
    show: (progress, lanes) => update(renderScreen({ title, progress, lanes, steps }, process.stderr.columns || 80)),
    done: () => update.done(),
  };
}

function lineView(title: string): LiveView {
  let last = '';
  let warned = 0;
  printNotes([title]);
  return {
    show(progress) {
      const { warnings = [] } = progress;
      printNotes(warnings.slice(warned).map((warning) => `warning: ${warning}`));
      warned = warnings.length;
      const key = `${progress.phase} ${Math.floor(progress.percent / LINE_EVERY_PERCENT)}`;
      if (key !== last) printNotes([headline(progress)]);
      last = key;
    },
    done: () => {},
  };
}

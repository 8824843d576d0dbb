/**
 * Entry of the command line. Signals are heard before the rest loads: as the first process of a container, Node would otherwise
 * lose one that comes early, and the pod would wait out its grace period.
 */
import { listenForSignals } from './signals.ts';

listenForSignals();
await import('./program.ts');

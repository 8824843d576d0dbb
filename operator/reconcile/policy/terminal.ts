import { conditionIs } from '../../api/kubernetes.ts';
import type { Gate } from '../verdict.ts';

/** What was complete or given up stays so, whatever becomes of its Job afterwards. */
export const terminal: Gate = ({ observed: { status } }) => {
  const over = ['Complete', 'Failed'].some((type) => conditionIs(status?.conditions, type, 'True'));
  return over ? { outcome: 'settled' } : undefined;
};

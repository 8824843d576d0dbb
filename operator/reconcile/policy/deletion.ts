import type { Gate } from '../verdict.ts';

/** A resource that is being deleted needs nothing: its Jobs and their pods go with it. */
export const deletion: Gate = ({ observed }) => (observed.resource.deleting ? { outcome: 'leaving' } : undefined);

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { addGauges, createInstruments } from '../operator/instruments.ts';
import { createQueue } from '../operator/kube/queue.ts';
import { createBackoff } from '../operator/kube/rate-limit.ts';

const DASHBOARD = join(import.meta.dirname, 'dualparal/dashboards/dualparal.json');

it('the dashboard asks for metrics that the operator has, and for each of them', async () => {
  const instruments = createInstruments();
  const queue = createQueue(createBackoff());
  const sizes = { resources: { size: 0, list: () => [] }, inbox: { size: 0 }, gpusHeld: () => 0 };
  addGauges(instruments, { queue, ...sizes, watches: new Map(), isLeading: () => false });
  const text = await instruments.metrics.text();
  const there = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  const { panels } = JSON.parse(readFileSync(DASHBOARD, 'utf8'));
  const queries = panels.flatMap(({ targets }: { targets: { expr: string }[] }) => targets.map(({ expr }) => expr));
  const asked = queries
    .flatMap((query: string) => query.match(/\bdualparal_\w+/g) ?? [])
    .map((name: string) => name.replace(/_bucket$/, ''));
  expect([...new Set(asked)].sort()).toEqual([...new Set(there)].sort());
});

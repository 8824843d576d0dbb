/**
 * The operator's entry. Signals come first: as process 1 of a container, a signal that nobody listens to is lost, and
 * loading everything else takes a moment.
 */
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort(signal));
const { command } = await import('./command.ts');
process.exit(await command(process.argv.slice(2), process.env, stop.signal));

export {};

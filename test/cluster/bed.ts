/**
 * The cluster's own world: private process, mount, network and IPC namespaces, held by one first process. When that
 * process is killed the kernel kills all others in there, and their mounts, links and network namespaces go with them.
 *
 *     machine                              bed (namespaces)
 *     tests, kubectl ── dualparal-0 ═════ node0 ── etcd, API server, kubelet, …
 *        10.90.0.1          veth         10.90.0.2 ── bridge cni0 ── pods 10.91.0.0/24
 *
 * The bed has no default route: nothing in it can reach beyond this machine.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterError } from './errors.ts';
import type { ClusterLayout } from './layout.ts';
import { launch, logTail, runCommand } from './processes.ts';

/** Folders of the machine that the bed sees as empty ones of its own: containerd, CNI and the kubelet write there. */
const ownFolders = ['/run', '/var/lib', '/var/log', '/opt'];

/** Settings of the whole machine that the kubelet would change; it is shown these values instead. */
const shownSettings: Readonly<Record<string, string>> = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
};

export interface Bed {
  /** Process id of the first process, as the machine counts. */
  readonly pid: number;
  /** Folders of the Go commands, as seen in the bed. */
  readonly path: string;
}

/** The program of the bed's first process. Written out as a file so that it can be read where it ran. */
export function bedScript(folder: string, binaryFolders: readonly string[], pause: string): string {
  const lines = ['#!/bin/sh', 'set -eu', 'mount --make-rshared /'];
  binaryFolders.forEach((source, index) => {
    lines.push(`mount --bind '${source}' '${join(folder, 'bin', String(index))}'`);
  });
  for (const path of ownFolders) {
    lines.push(`if [ -d ${path} ]; then mount --bind '${join(folder, 'own', path)}' ${path}; fi`);
  }
  for (const setting of Object.keys(shownSettings)) {
    lines.push(`mount --bind '${join(folder, 'settings', setting)}' /proc/sys/${setting}`);
  }
  lines.push('ip link set lo up', `touch '${join(folder, 'bed-ready')}'`, `exec '${pause}'`, '');
  return lines.join('\n');
}

function prepareFolders(folder: string, binaryCount: number): void {
  for (let index = 0; index < binaryCount; index += 1)
    mkdirSync(join(folder, 'bin', String(index)), { recursive: true });
  for (const path of ownFolders) mkdirSync(join(folder, 'own', path), { recursive: true });
  for (const path of ['/var/lib/kubelet', '/run/netns', '/run/lock'])
    mkdirSync(join(folder, 'own', path), { recursive: true });
  for (const [setting, value] of Object.entries(shownSettings)) {
    const file = join(folder, 'settings', setting);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${value}\n`);
  }
}

/** Where a bed is made that is not the cluster's own one. */
export interface Outer {
  /** The bed around it, whose network and IPC namespaces it shares. */
  readonly bed: Bed;
  /** The cluster's folder, to which its processes belong. */
  readonly owner: string;
  readonly component: string;
}

/** Process id of the only child of a process, or 0 while it has none. */
function onlyChild(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
  } catch {
    return 0;
  }
}

/** Makes the namespaces and waits until their first process is ready. */
export async function openBed(folder: string, binaries: Readonly<Record<string, string>>, outer?: Outer): Promise<Bed> {
  const { owner, component } = outer ?? { owner: folder, component: 'bed' };
  const binaryFolders = [...new Set(Object.values(binaries).map((path) => dirname(path)))];
  const pauseFolder = binaryFolders.indexOf(dirname(binaries.pause ?? ''));
  const seen = binaryFolders.map((_, index) => join(folder, 'bin', String(index)));
  prepareFolders(folder, binaryFolders.length);
  const script = join(folder, 'bed.sh');
  // The folders of the machine may be out of sight in the outer bed, which has them in the same order.
  const sources = outer === undefined ? binaryFolders : outer.bed.path.split(':').slice(0, binaryFolders.length);
  writeFileSync(script, bedScript(folder, sources, join(seen[pauseFolder] ?? '', 'pause')));
  chmodSync(script, 0o700);
  const path = [...seen, '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(':');
  const shared = outer === undefined ? ['--net', '--ipc'] : [];
  const settings = ['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'slave', '--mount-proc'];
  const unshare = ['unshare', ...shared, ...settings, '--', '/bin/sh', script];
  const [command = '', ...args] = outer === undefined ? unshare : inBed(outer.bed, unshare);
  const logFile = join(owner, 'logs', `${component}.log`);
  const launcher = launch({ folder: owner, component, command, args, path, logFile });
  for (let waited = 0; !existsSync(join(folder, 'bed-ready')); waited += 1) {
    if (!existsSync(`/proc/${launcher}`) || waited > 600) {
      throw clusterError('E_CLUSTER_COMPONENT', {
        component,
        log: logFile,
        tail: logTail(owner, component),
      });
    }
    await sleep(50);
  }
  // The one that enters another bed has the one that leaves it as its child.
  return { pid: onlyChild(outer === undefined ? launcher : onlyChild(launcher)), path };
}

/** Command line that runs a command in the bed. */
export function inBed(bed: Bed, command: readonly string[]): string[] {
  return ['nsenter', '--target', String(bed.pid), '--mount', '--net', '--pid', '--ipc', '--', ...command];
}

/** Runs a short command in the bed and returns its output. */
export function runInBed(bed: Bed, command: readonly string[], input?: string | Buffer): string {
  const [program = '', ...args] = inBed(bed, ['env', `PATH=${bed.path}`, ...command]);
  return runCommand(program, args, input);
}

/** IPv4 networks of this machine's links and routes, as texts like `10.90.0.0`. */
export function isSlotFree(slot: number, addresses: string, routes: string): boolean {
  const pattern = new RegExp(`\\b10\\.9[012]\\.${slot}\\.\\d`);
  return !pattern.test(addresses) && !pattern.test(routes);
}

/** Numbers that no link or route of this machine uses, lowest first. */
export function freeSlots(): number[] {
  const addresses = runCommand('ip', ['-4', 'addr', 'show']);
  const routes = runCommand('ip', ['-4', 'route', 'show']);
  return Array.from({ length: 100 }, (_, slot) => slot).filter((slot) => isSlotFree(slot, addresses, routes));
}

/** Joins bed and machine by a link; its name is the claim on the number, so two starts never share one. */
export function claimLink(bed: Bed, layoutOf: (slot: number) => ClusterLayout): ClusterLayout {
  for (const slot of freeSlots()) {
    const layout = layoutOf(slot);
    try {
      runCommand('ip', ['link', 'add', layout.link, 'type', 'veth', 'peer', 'name', 'node0', 'netns', String(bed.pid)]);
      return layout;
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('File exists')) throw error;
    }
  }
  throw clusterError('E_CLUSTER_ADDRESSES');
}

/** Gives both ends their addresses, and the machine its routes to pods and services. */
export function configureLink(bed: Bed, layout: ClusterLayout): void {
  const { link, hostAddress, nodeAddress, linkPrefixLength: bits } = layout;
  runInBed(bed, ['ip', 'addr', 'add', `${nodeAddress}/${bits}`, 'dev', 'node0']);
  runInBed(bed, ['ip', 'link', 'set', 'node0', 'up']);
  runCommand('ip', ['addr', 'add', `${hostAddress}/${bits}`, 'dev', link]);
  runCommand('ip', ['link', 'set', link, 'up']);
  for (const range of [layout.podRange, layout.serviceRange]) {
    runCommand('ip', ['route', 'add', range, 'via', nodeAddress, 'dev', link]);
  }
}

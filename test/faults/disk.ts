/**
 * A disk that loses its power: what was done to files, and what may be left of it. Certain is only what was synced: a file's bytes by
 * the sync of the file, its name by that of its folder. Of all else anything may be there or not, in any combination: names
 * without their bytes, later ones without earlier ones. Pure.
 */
import { basename, dirname, join } from 'node:path';
import type { Dice } from './dice.ts';

/** What a program did, in order; `file` names what was opened, whatever it is called later. */
export type DiskOperation =
  | { readonly of: 'makeFolder' | 'remove' | 'removeFolder' | 'syncFolder'; readonly path: string }
  | { readonly of: 'create'; readonly path: string; readonly file: string }
  | { readonly of: 'write'; readonly file: string; readonly base64: string }
  | { readonly of: 'sync'; readonly file: string }
  | { readonly of: 'rename'; readonly path: string; readonly from: string };

/** How cruel the loss is: of what is not synced nothing is left, all names with none of the bytes, all of it, or some of both. */
export type Loss = 'all' | 'bytes' | 'none' | 'some';

interface File {
  written: Buffer[];
  /** Pieces that are synced. */
  synced: number;
}

interface Folder {
  /** What the program sees. */
  readonly entries: Map<string, Node>;
  /** What is certain. */
  certain: Map<string, Node>;
  /** Changes since. */
  pending: (readonly Change[])[];
}

type Node = File | Folder;
/** One name gets something else, or nothing. */
interface Change {
  readonly name: string;
  readonly node: Node | undefined;
}

const isFile = (node: Node): node is File => 'written' in node;
const newFolder = (): Folder => ({ entries: new Map(), certain: new Map(), pending: [] });

/** A disk on which `root` is an empty folder that stays. */
export function openDisk(root: string) {
  const top = newFolder();
  const files = new Map<string, File>();

  function folderAt(path: string): Folder {
    if (path === root) return top;
    const node = folderAt(dirname(path)).entries.get(basename(path));
    if (node === undefined || isFile(node)) throw new Error(`${path} is no folder`);
    return node;
  }

  function change(path: string, ...changes: readonly Change[]): void {
    const folder = folderAt(dirname(path));
    for (const { name, node } of changes) {
      if (node === undefined) folder.entries.delete(name);
      else folder.entries.set(name, node);
    }
    folder.pending.push(changes);
  }

  const nodeAt = (path: string) => folderAt(dirname(path)).entries.get(basename(path));

  function create({ path, file }: DiskOperation & { readonly of: 'create' }): void {
    const made: File = { written: [], synced: 0 };
    files.set(file, made);
    change(path, { name: basename(path), node: made });
  }

  function rename({ path, from }: DiskOperation & { readonly of: 'rename' }): void {
    if (dirname(path) !== dirname(from)) throw new Error(`${from} was moved to another folder`);
    change(path, { name: basename(path), node: nodeAt(from) }, { name: basename(from), node: undefined });
  }

  function syncFolder(path: string): void {
    const folder = folderAt(path);
    folder.certain = new Map(folder.entries);
    folder.pending = [];
  }

  function apply(operation: DiskOperation): void {
    if (operation.of === 'create') create(operation);
    else if (operation.of === 'rename') rename(operation);
    else if (operation.of === 'syncFolder') syncFolder(operation.path);
    else if (operation.of === 'write') files.get(operation.file)!.written.push(Buffer.from(operation.base64, 'base64'));
    else if (operation.of === 'sync') files.get(operation.file)!.synced = files.get(operation.file)!.written.length;
    else if (operation.of === 'makeFolder')
      change(operation.path, { name: basename(operation.path), node: newFolder() });
    else if (nodeAt(operation.path) !== undefined)
      change(operation.path, { name: basename(operation.path), node: undefined });
  }

  return {
    apply,
    /** The files that may be found after a loss of power now. */
    after(loss: Loss, dice: Dice): ReadonlyMap<string, Buffer> {
      const found = new Map<string, Buffer>();
      collect(top, root, { loss, dice }, found);
      return found;
    },
  };
}

interface Losing {
  readonly loss: Loss;
  readonly dice: Dice;
}

function collect(folder: Folder, path: string, losing: Losing, found: Map<string, Buffer>): void {
  for (const [name, node] of namesAfter(folder, losing)) {
    const place = join(path, name);
    if (isFile(node)) found.set(place, bytesAfter(node, losing));
    else collect(node, place, losing, found);
  }
}

function namesAfter({ certain, pending }: Folder, { loss, dice }: Losing): ReadonlyMap<string, Node> {
  const names = new Map(certain);
  if (loss === 'all') return names;
  for (const changes of pending) {
    if (loss === 'some' && dice.share() < 0.5) continue;
    for (const { name, node } of changes) {
      if (node === undefined) names.delete(name);
      else names.set(name, node);
    }
  }
  return names;
}

/** What is not synced may be gone, there in part, or there in length only. */
function bytesAfter({ written, synced }: File, { loss, dice }: Losing): Buffer {
  const certain = Buffer.concat(written.slice(0, synced));
  const all = Buffer.concat(written);
  if (loss === 'none' || certain.length === all.length) return all;
  const part = all.subarray(0, dice.between(certain.length, all.length));
  const zeros = Buffer.concat([certain, Buffer.alloc(all.length - certain.length)]);
  return loss === 'some' ? dice.pick([certain, part, zeros, all]) : dice.pick([certain, zeros]);
}

/** What people have in place of a model's file, written where the file was. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';

const POINTER = `version https://lfs.example/spec/v1\noid sha256:${'0f'.repeat(32)}\nsize 4920000000\n`;

/** Writes each stand-in at a path that is free. */
const WRITERS = {
  nothing: () => {},
  emptiness: (path) => writeFileSync(path, ''),
  zeros: (path) => writeFileSync(path, Buffer.alloc(4096)),
  pointer: (path) => writeFileSync(path, POINTER),
  page: (path) => writeFileSync(path, '<!doctype html><html><title>404</title></html>'),
  answer: (path) => writeFileSync(path, '{"error":"Access to model a/b is restricted"}'),
  gguf: (path) => writeFileSync(path, Buffer.concat([Buffer.from('GGUF\x03\0\0\0'), Buffer.alloc(99, 1)])),
  pickle: (path) => writeFileSync(path, Buffer.concat([Buffer.from('PK\x03\x04\x14\0\x08\x08'), Buffer.alloc(99, 1)])),
  utf16: (path) => writeFileSync(path, Buffer.from('\ufeff{"_class_name": "WanPipeline"}', 'utf16le')),
  folder: (path) => mkdirSync(path),
  pipe: (path) => spawnSync('sh', ['-c', 'mkfifo "$0"', path]),
  device: (path) => symlinkSync('/dev/zero', path),
  'dangling link': (path) => symlinkSync('../../blobs/0f0f', path),
  'link to itself': (path) => symlinkSync(path, path),
} as const satisfies Record<string, (path: string) => unknown>;

/** Name of something that is there instead of a file. */
export type StandIn = keyof typeof WRITERS;

export const STAND_INS = Object.keys(WRITERS) as readonly StandIn[];

/** Puts a stand-in at `path`, in place of whatever was there. */
export function putStandIn(path: string, standIn: StandIn): void {
  rmSync(path, { recursive: true, force: true });
  WRITERS[standIn](path);
}

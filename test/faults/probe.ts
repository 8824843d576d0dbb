import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { path as ffprobe } from '@ffprobe-installer/ffprobe';

export function sha256Of(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** Frames of a film that an independent program can decode; undefined when it finds anything wrong. */
export function playableFrames(file: string): number | undefined {
  const args = ['-v', 'error', '-count_frames', '-show_entries', 'stream=nb_read_frames', '-of', 'json', file];
  const { status, stdout, stderr } = spawnSync(ffprobe, args, { encoding: 'utf8' });
  if (status !== 0 || stderr.trim() !== '') return undefined;
  return Number(JSON.parse(stdout).streams?.[0]?.nb_read_frames);
}

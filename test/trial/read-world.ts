import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseWorld, type World } from '../../runner/quality/tiny-world/world.ts';

/** The world file of a model folder. */
export function readWorld(folder: string): World {
  return parseWorld(JSON.parse(readFileSync(join(folder, 'world.json'), 'utf8')));
}

/** The world of the tiny model that comes with the project. */
export function tinyWorld(): World {
  return readWorld(join(import.meta.dirname, '../../models/tiny'));
}

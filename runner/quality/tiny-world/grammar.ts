import type { World } from './world.ts';

/** What a prompt asks for, in the words of its world. */
export interface Wanted {
  readonly shape: string;
  readonly size: string;
  readonly colour: string;
  readonly background: string;
  readonly direction: string;
}

/**
 * Reads `a [size] colour shape (moving direction | standing still) [on a background background]`; null where the prompt says
 * anything else.
 */
export function parsePrompt(world: World, prompt: string): Wanted | null {
  const words = prompt.trim().split(/\s+/);
  if (words.shift() !== 'a') return null;
  const sized = words.length > 1 && isSize(world, words[0]!) ? words.shift() : undefined;
  const [colour = '', shape = '', verb = '', direction = '', ...rest] = words;
  const background = parseBackground(world, rest);
  if (!has(world.colours, colour) || !has(world.shapes, shape) || background === undefined) return null;
  const steps = has(world.directions, direction) ? world.directions[direction] : undefined;
  if (steps === undefined || verb !== verbOf(steps)) return null;
  const size = sized ?? firstName(world.shapes[shape] ?? {});
  return has(world.shapes[shape] ?? {}, size) ? { shape, size, colour, background, direction } : null;
}

function parseBackground({ backgrounds }: World, words: readonly string[]): string | undefined {
  if (words.length === 0) return firstName(backgrounds);
  const [on, a, background = '', noun, ...more] = words;
  const isPhrase = on === 'on' && a === 'a' && noun === 'background' && more.length === 0;
  return isPhrase && has(backgrounds, background) ? background : undefined;
}

/** The prompt that asks for it. A background that is not said must be the world's first. */
export function promptOf(world: World, wanted: Wanted, saysBackground = true): string {
  const { shape, size, colour, background, direction } = wanted;
  const sized = Object.keys(world.shapes[shape] ?? {}).length > 1 ? [size] : [];
  const verb = verbOf(world.directions[direction] ?? [0, 0]);
  const place = saysBackground ? ['on', 'a', background, 'background'] : [];
  return ['a', ...sized, colour, shape, verb, direction, ...place].join(' ');
}

/** Everything that can be asked for: shape, size, colour, background and direction, the last one changing fastest. */
export function everything(world: World): readonly Wanted[] {
  const { shapes, colours, backgrounds, directions } = world;
  return Object.entries(shapes).flatMap(([shape, sizes]) =>
    Object.keys(sizes).flatMap((size) =>
      Object.keys(colours).flatMap((colour) =>
        Object.keys(backgrounds).flatMap((background) =>
          Object.keys(directions).map((direction) => ({ shape, size, colour, background, direction })),
        ),
      ),
    ),
  );
}

/** Pixels a frame to the right and downwards. */
export function velocityOf(world: World, direction: string): readonly [number, number] {
  const [right, down] = world.directions[direction] ?? [0, 0];
  return [right * world.speedPixelsPerFrame, down * world.speedPixelsPerFrame];
}

function verbOf([right, down]: readonly [number, number]): 'moving' | 'standing' {
  return right === 0 && down === 0 ? 'standing' : 'moving';
}

function isSize({ shapes }: World, word: string): boolean {
  return Object.values(shapes).some((sizes) => has(sizes, word));
}

function has(table: object, name: string): boolean {
  return Object.hasOwn(table, name);
}

function firstName(table: object): string {
  return Object.keys(table)[0] ?? '';
}

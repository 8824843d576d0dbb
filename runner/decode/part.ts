import { type ChunkKind, hiddenShape } from '../model/vae-decoder.ts';
import { allUnits } from '../model/vae-units.ts';
import type { Session } from '../ort/session.ts';
import type { Value } from '../ort/value.ts';
import type { DecoderModel, DecoderOptions, Pictures } from './decoder.ts';
import { type Handed, openIncoming, openOutgoing } from './hop.ts';

/** What a part works on: a latent `[C, h, w]`, or what the part before it has made of one. */
export type Given = Float32Array | Handed;

/** What it makes: something for the next part; on the last one pictures, with the last tile of a latent. */
export interface Made {
  readonly handed: Handed | null;
  readonly pictures: Pictures | null;
}

/** A part of the decoder on its device. One that begins the decoder is given latents, one that ends it makes pictures. */
export interface Part {
  /** Items that a latent is: 1, or its tiles, one after another. The part that begins the decoder is given the latent for each of them. */
  readonly tiles: number;
  /** Computes the next item. `taken` is called once what was handed over is copied, so that the part before may make its next one. */
  run(given: Given, taken: () => void): Made;
}

/** What decides the shape of an item: which latent of the film it is of, and its height and width in latents. */
export interface ItemForm {
  readonly kind: ChunkKind;
  readonly height: number;
  readonly width: number;
}

/** How items of a part come in and go out. */
export interface Ends {
  readonly take: (handed: Handed, form: ItemForm) => Value;
  /** Where the graph leaves its item; undefined where it makes pictures. */
  readonly room: (form: ItemForm) => Value | undefined;
  readonly handed: Handed | null;
}

/** The ends of a part whose items are as large as `largest` at most, in memory of the session's device. */
export function openEnds(
  { config }: DecoderModel,
  { device, dtype = 'F32', units = allUnits(config) }: DecoderOptions,
  largest: Omit<ItemForm, 'kind'>,
  session: Session,
  stack: DisposableStack,
): Ends {
  const { firstUnit, endUnit } = units;
  const shapeInto = (unit: number, form: ItemForm) =>
    hiddenShape(config, { ...form, attention: device.kind, dtype }, unit);
  const form = { ...largest, kind: 'steady' } as const;
  const incoming = firstUnit === 0 ? null : openIncoming(session, dtype, shapeInto(firstUnit, form), stack);
  const isLast = endUnit === allUnits(config).endUnit;
  const outgoing = isLast ? null : openOutgoing(session, dtype, shapeInto(endUnit, form), stack);
  return {
    take: (handed, of) => incoming!.take(handed, shapeInto(firstUnit, of)),
    room: (of) => outgoing?.room(shapeInto(endUnit, of)),
    handed: outgoing?.handed ?? null,
  };
}

/** How far a part of the decoder has come, in items. */
export interface PartProgress {
  readonly asked: number;
  /** Items whose input it has copied: the part before may make another. */
  readonly taken: number;
  readonly made: number;
}

/**
 * Whether a part may be asked for its next item: it is at none, the item is there, and the next part has copied the one before it, whose
 * place it takes. `items`: so many there are for the part that begins the decoder.
 */
export function mayAsk(parts: readonly PartProgress[], part: number, items: number): boolean {
  const { asked, made } = parts[part]!;
  const there = part === 0 ? items : parts[part - 1]!.made;
  const isPlaceFree = part === parts.length - 1 || parts[part + 1]!.taken === made;
  return asked === made && there > asked && isPlaceFree;
}

/** Whether a part is copying what the one before it has made, whose memory must stay until then. */
export function isTaking(parts: readonly PartProgress[], part: number): boolean {
  const { asked, taken } = parts[part]!;
  return part > 0 && asked > taken;
}

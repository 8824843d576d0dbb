/** Which build of ONNX Runtime a library belongs to: libraries of two builds crash in each other's hands. */
import { createReadStream } from 'node:fs';

const MARK = 'git-commit-id=';
const LONGEST_ID = 40;

/** The commit that the library says it was built from; undefined where it says none. */
export async function runtimeBuild(file: string): Promise<string | undefined> {
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 4 << 20 })) {
    const bytes = Buffer.concat([rest, chunk as Buffer]);
    const at = bytes.indexOf(MARK);
    if (at >= 0 && bytes.length >= at + MARK.length + LONGEST_ID) return commitAt(bytes, at);
    // What begins near the end of a chunk is read together with the next one.
    rest = bytes.subarray(at >= 0 ? at : Math.max(0, bytes.length - MARK.length));
  }
  const at = rest.indexOf(MARK);
  return at < 0 ? undefined : commitAt(rest, at);
}

function commitAt(bytes: Buffer, at: number): string | undefined {
  return /^[0-9a-f]+/.exec(bytes.toString('latin1', at + MARK.length, at + MARK.length + LONGEST_ID))?.[0];
}

import { readFileSync } from 'node:fs';
import { type Agent, request } from 'node:https';

/** Where the operator listens. The token file is read anew for each call: the kubelet rotates it. */
export interface PushTarget {
  readonly url: string;
  readonly tokenFile: string;
  readonly caFile: string;
}

/** How a value is posted. */
export interface Posting {
  /** Knows the authority that vouches for the operator. */
  readonly agent: Agent;
  readonly timeoutMilliseconds: number;
  readonly signal?: AbortSignal;
}

/** No answer of the operator is longer. */
const ANSWER_BYTES = 1 << 16;

/** Posts a value as JSON with the pod's token. Rejects where no answer comes, with the reason. */
export async function post(
  url: string | URL,
  tokenFile: string,
  value: unknown,
  { agent, timeoutMilliseconds, signal }: Posting,
): Promise<{ readonly status: number; readonly text: string }> {
  const authorization = `Bearer ${tokenIn(tokenFile)}`;
  const body = JSON.stringify(value);
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), authorization };
    const options = { method: 'POST', agent, timeout: timeoutMilliseconds, headers, ...(signal && { signal }) };
    const call = request(url, options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        if (text.length > ANSWER_BYTES) call.destroy(new Error('the answer is too long'));
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    call.on('timeout', () => call.destroy(new Error(`no answer within ${timeoutMilliseconds / 1000} s`)));
    call.on('error', reject);
    call.end(body);
  });
}

function tokenIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new Error(`the token file ${file} cannot be read`);
  }
}

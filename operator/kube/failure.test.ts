import { describe, expect, it } from 'vitest';
import { failureOf, failureOfAnswer } from './failure.ts';

describe('failureOfAnswer', () => {
  it.each([
    [400, {}, 'invalid'],
    [401, {}, 'retry'],
    [403, { reason: 'Forbidden' }, 'forbidden'],
    [403, { details: { causes: [{ reason: 'NamespaceTerminating' }] } }, 'terminating'],
    [404, {}, 'missing'],
    [409, { reason: 'AlreadyExists' }, 'exists'],
    [409, { reason: 'Conflict' }, 'conflict'],
    [410, {}, 'expired'],
    [422, {}, 'invalid'],
    [429, {}, 'retry'],
    [500, {}, 'retry'],
    [504, {}, 'retry'],
  ] as const)('%i %j is %s', (status, body, kind) => {
    expect(failureOfAnswer(status, body, undefined, 'GET /x').kind).toBe(kind);
  });

  it('keeps the time to wait, from the header or the body', () => {
    expect(failureOfAnswer(429, {}, '3', 'GET /x').retryAfterMs).toBe(3000);
    expect(failureOfAnswer(503, { details: { retryAfterSeconds: 2 } }, undefined, 'GET /x').retryAfterMs).toBe(2000);
    expect(failureOfAnswer(503, {}, 'Wed, 21 Oct 2026 07:28:00 GMT', 'GET /x').retryAfterMs).toBeUndefined();
  });
});

describe('failureOf', () => {
  it('takes errors of the network as passing', () => {
    expect(failureOf(new Error('connect ECONNREFUSED'))).toEqual({
      kind: 'retry',
      status: 0,
      message: 'connect ECONNREFUSED',
    });
    expect(failureOf('odd')).toEqual({ kind: 'retry', status: 0, message: 'odd' });
  });
});

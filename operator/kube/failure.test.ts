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
    const inTwoMinutes = new Date(Date.now() + 120_000).toUTCString();
    const asked = failureOfAnswer(503, {}, inTwoMinutes, 'GET /x').retryAfterMs ?? 0;
    expect(asked).toBeGreaterThan(60_000);
    expect(asked).toBeLessThanOrEqual(120_000);
  });

  it.each(['', ' ', '-1', '0', 'NaN', 'soon', 'Infinity', '0x10', '1e9', 'Wed, 21 Oct 2015 07:28:00 GMT'])(
    'does not wait when told %j',
    (header) => {
      expect(failureOfAnswer(503, {}, header, 'GET /x').retryAfterMs).toBeUndefined();
    },
  );

  it.each(['301', '2147484', '99999999999999999999', 'Fri, 31 Dec 9999 23:59:59 GMT'])(
    'waits for five minutes when told %j',
    (header) => {
      expect(failureOfAnswer(503, {}, header, 'GET /x').retryAfterMs).toBe(300_000);
    },
  );
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

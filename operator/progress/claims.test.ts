import { describe, expect, it } from 'vitest';
import { createDice } from '../../test/faults/dice.ts';
import { readClaims } from './claims.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const part = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '').toString('base64url');
const bound = {
  namespace: 'films',
  pod: { name: 'storm-1', uid: 'pod-1' },
  serviceaccount: { name: 'default', uid: 's' },
};
const payload = (changed: object = {}) => ({
  iss: 'https://kubernetes.default.svc',
  sub: 'system:serviceaccount:films:default',
  aud: ['dualparal-progress'],
  exp: NOW / 1000 + 3600,
  'kubernetes.io': bound,
  ...changed,
});
const token = (claims: unknown, head: unknown = { alg: 'RS256' }) => `${part(head)}.${part(claims)}.c2ln`;
const bind = (changed: object) => token(payload({ 'kubernetes.io': { ...bound, ...changed } }));

describe('claims', () => {
  it.each([
    ['of a pod', token(payload())],
    ['for several audiences', token(payload({ aud: ['other', 'dualparal-progress'] }))],
    ['with more than is asked for', token(payload({ nbf: 1, iat: 2, jti: 'x', node: { name: 'gpu-1' } }))],
    ['under any head', token(payload(), 'anything')],
  ])('%s are read', (_what, text) => {
    expect(readClaims(text)).toMatchObject({ pod: { namespace: 'films', name: 'storm-1', uid: 'pod-1' } });
  });

  it.each([
    ['long ended', -7_200_000],
    ['that have just begun', 0],
    ['that begin in two hours', 7_200_000],
  ])('%s tell their length, not their end: the clock here is not asked', (_what, beginsMs) => {
    const iat = (Date.now() + beginsMs) / 1000;
    expect(readClaims(token(payload({ iat, exp: iat + 600 })))?.lifeMs).toBeCloseTo(600_000, 0);
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['two dots', '..'],
    ['two parts', `${part({})}.${part(payload())}`],
    ['four parts', `${token(payload())}.x`],
    ['padding', `${part({})}.${part(payload())}=.x`],
    ['letters of the other base64', token(payload()).replace('.', '+.')],
    ['a line end', `${token(payload())}\n`],
    ['null', token(null)],
    ['a list', token([payload()])],
    ['a number', token(7)],
    ['what is not JSON', `a.${Buffer.from('{"iss":').toString('base64url')}.c`],
    ['what is not UTF-8', `a.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.c`],
    ['no issuer', token(payload({ iss: undefined }))],
    ['an issuer of kilobytes', token(payload({ iss: 'x'.repeat(2000) }))],
    ['an audience that is a text', token(payload({ aud: 'dualparal-progress' }))],
    ['another audience', token(payload({ aud: ['dualparal-progress-2'] }))],
    ['very many audiences', token(payload({ aud: Array(17).fill('dualparal-progress') }))],
    ['no end', token(payload({ exp: undefined }))],
    ['an end that is a text', token(payload({ exp: '9999999999' }))],
    ['an end before time', token(payload({ exp: -1 }))],
    ['an end beyond all dates', token(payload({ exp: 1e300 }))],
    ['an end at their beginning', token(payload({ iat: NOW / 1000, exp: NOW / 1000 }))],
    ['an end before their beginning', token(payload({ iat: NOW / 1000, exp: NOW / 1000 - 1 }))],
    ['a beginning that is a text', token(payload({ iat: '1' }))],
    ['no subject', token(payload({ sub: undefined }))],
    ['the subject of another namespace', token(payload({ sub: 'system:serviceaccount:other:default' }))],
    ['the subject of another account', token(payload({ sub: 'system:serviceaccount:films:other' }))],
    ['no pod', bind({ pod: undefined })],
    ['a pod that is a text', bind({ pod: 'storm-1' })],
    ['a pod without uid', bind({ pod: { name: 'storm-1', uid: '' } })],
    ['a pod whose name is no text', bind({ pod: { name: ['storm-1'], uid: 'pod-1' } })],
    ['no service account', bind({ serviceaccount: null })],
    ['no namespace', bind({ namespace: undefined })],
    ['nothing of Kubernetes', token(payload({ 'kubernetes.io': undefined }))],
    ['claims from a prototype', token({ __proto__: null, constructor: payload() })],
    ['JSON of many levels', `a.${Buffer.from('['.repeat(6000)).toString('base64url')}.c`.slice(0, 8100)],
    ['hundreds of lists', token(payload({ more: Array(100).fill([]) }))],
    ['more than 8 KiB', token(payload({ more: 'x'.repeat(8192) }))],
  ])('with %s are none', (_what, text) => {
    expect(readClaims(text)).toBeUndefined();
  });

  it('never throw, whatever is sent', () => {
    const dice = createDice(3);
    const good = token(payload());
    for (let i = 0; i < 2000; i += 1) {
      const letters = [...good];
      for (let times = dice.between(1, 20); times > 0; times -= 1)
        letters[dice.between(0, letters.length - 1)] = String.fromCharCode(dice.between(0, 300));
      const claims = readClaims(letters.join(''));
      if (claims !== undefined) expect(claims.pod.uid).toEqual(expect.any(String));
    }
  });
});

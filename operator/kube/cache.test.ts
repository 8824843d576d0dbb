import { describe, expect, it } from 'vitest';
import { type Cache, compareVersions, createCache } from './cache.ts';

interface Thing {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  readonly owner?: string;
}

const thing = (name: string, version: number, owner?: string, uid = `uid-${name}`): Thing => ({
  metadata: { name, namespace: 'a', uid, resourceVersion: String(version) },
  ...(owner === undefined ? {} : { owner }),
});

/** A cache, and what its listener was told. */
function watched(): { cache: Cache<Thing>; told: string[] } {
  const told: string[] = [];
  const text = (object: Thing | undefined) =>
    object === undefined ? '-' : `${object.metadata.name}@${object.metadata.resourceVersion}`;
  const cache = createCache<Thing>({ owner: (object) => object.owner }, (before, after) =>
    told.push(`${text(before)} ${text(after)}`),
  );
  return { cache, told };
}

describe('a cache', () => {
  it('finds objects by key and by index, also after they moved', () => {
    const { cache, told } = watched();
    cache.upsert(thing('x', 1, 'p'));
    cache.upsert(thing('y', 2, 'p'));
    cache.upsert(thing('x', 3, 'q'));
    expect(cache.get('a/x')).toEqual(thing('x', 3, 'q'));
    expect([cache.by('owner', 'p'), cache.by('owner', 'q'), cache.by('owner', 'r')]).toEqual([
      [thing('y', 2, 'p')],
      [thing('x', 3, 'q')],
      [],
    ]);
    expect(told).toEqual(['- x@1', '- y@2', 'x@1 x@3']);
  });

  it('never goes back to an older version', () => {
    const { cache, told } = watched();
    cache.upsert(thing('x', 10));
    cache.upsert(thing('x', 9));
    cache.upsert(thing('x', 10));
    expect(told).toEqual(['- x@10']);
  });

  it('drops what a new list does not have, unless it is newer than the list', () => {
    const { cache, told } = watched();
    cache.upsert(thing('old', 1));
    cache.learn(thing('new', 9));
    cache.replace([thing('x', 5)], '7');
    expect(cache.list().map((object) => object.metadata.name)).toEqual(['new', 'x']);
    expect(told).toEqual(['- old@1', '- new@9', 'old@1 -', '- x@5']);
  });

  it('tells of both when an object was replaced by another of its name', () => {
    const { cache, told } = watched();
    cache.upsert(thing('x', 1));
    cache.replace([thing('x', 5, undefined, 'other')], '7');
    expect(told).toEqual(['- x@1', 'x@1 -', '- x@5']);
  });

  it('keeps a later object of a name when the end of the earlier one is told late', () => {
    const { cache } = watched();
    cache.upsert(thing('x', 1));
    cache.remove(thing('x', 2));
    cache.learn(thing('x', 9, undefined, 'later'));
    cache.remove(thing('x', 3));
    expect(cache.get('a/x')?.metadata.uid).toBe('later');
  });

  it('learns what a write answered, but not what the watch has passed: that may be gone already', () => {
    const { cache } = watched();
    cache.upsert(thing('x', 5));
    cache.remove(thing('x', 8));
    cache.learn(thing('x', 7));
    expect(cache.size).toBe(0);
    cache.learn(thing('x', 9));
    expect(cache.get('a/x')).toEqual(thing('x', 9));
    cache.seen('20');
    cache.learn(thing('y', 15));
    expect(cache.size).toBe(1);
  });
});

describe('feeds of one cache', () => {
  it('leave alone what another feed brought', () => {
    const { cache } = watched();
    const [one, two] = [cache.feed(), cache.feed()];
    one.replace([thing('x', 1)], '5');
    two.replace([thing('y', 2)], '6');
    two.remove(thing('x', 7));
    expect(cache.list()).toEqual([thing('x', 1), thing('y', 2)]);
    one.replace([], '8');
    expect(cache.list()).toEqual([thing('y', 2)]);
  });

  it('of namespaces speak for their own objects alone, also for what was learned and no feed has brought', () => {
    const { cache } = watched();
    const [a, b] = [cache.feed('a'), cache.feed('b')];
    const inB = (version: number) => ({ metadata: { ...thing('x', version).metadata, namespace: 'b' } });
    cache.learn(inB(3));
    a.replace([], '5');
    expect(cache.list()).toEqual([inB(3)]);
    b.replace([], '6');
    expect(cache.size).toBe(0);
    // The feed of its namespace has passed it: that another lags behind does not bring it back.
    b.seen('20');
    cache.learn(inB(15));
    expect(cache.size).toBe(0);
    cache.learn(thing('x', 15));
    expect(cache.list()).toEqual([thing('x', 15)]);
  });
});

describe('compareVersions', () => {
  it('orders numbers of any length', () => {
    const versions = ['10', '9', '', '100', '99999999999999999999', '99999999999999999998'];
    expect(versions.toSorted(compareVersions)).toEqual([
      '',
      '9',
      '10',
      '100',
      '99999999999999999998',
      '99999999999999999999',
    ]);
  });
});

import { describe, expect, it } from '@jest/globals';
import type { Digest } from '@pinlane/contracts';
import { compareFiles, documentDifferences, gatherDifferences, instructionShown, pairLayers, renderDifferences, type ComparedEntry } from '../../src/index.ts';

const told = (pinned: unknown, built: unknown): string[] => [...documentDifferences(pinned, built)].map(({ at, message }) => `${at}: ${message}`);

describe('documents that are compared', () => {
  it.each<[string, unknown, unknown, string[]]>([
    ['equal', { a: [1, { b: null }] }, { a: [1, { b: null }] }, []],
    ['with another value', { a: { b: 1 } }, { a: { b: '1' } }, ['a.b: pinned 1, built "1"']],
    ['with more keys', { a: 1, b: { c: 2 } }, { a: 1 }, ['b: {"c":2} is in the pinned image alone']],
    ['with fewer keys', {}, { a: false }, ['a: false is missing in the pinned image']],
    ['with null in place of nothing', { a: null }, {}, ['a: null is in the pinned image alone']],
    ['with a list in place of an object', { a: [] }, { a: {} }, ['a: pinned [], built {}']],
    [
      'with keys that every object has',
      { a: {} },
      { a: { toString: 'x', ['__proto__']: 'y' } },
      ['a.toString: "x" is missing in the pinned image', 'a.__proto__: "y" is missing in the pinned image'],
    ],
    [
      'with other texts in a list',
      { a: ['x', 'x', 'y'] },
      { a: ['y', 'x', 'z'] },
      ['a: "x" is in the pinned image alone', 'a: "z" is missing in the pinned image'],
    ],
    ['with texts in another order', { a: ['x', 'y'] }, { a: ['y', 'x'] }, ['a: the same in another order']],
    [
      'with other objects in a list',
      { h: [{ a: 1 }, { a: 2 }] },
      { h: [{ a: 1 }, { a: 3 }, {}] },
      ['h[1].a: pinned 2, built 3', 'h[2]: {} is missing in the pinned image'],
    ],
  ])('%s', (_, pinned, built, expected) => {
    expect(told(pinned, built)).toEqual(expected);
  });

  it('show no value of a variable, wherever it stands', () => {
    const secret = 'geheim';
    const lines = [
      ...told({ config: { Env: [`A=${secret}`, 'B=1', `C=${secret}`] } }, { config: { Env: [`A=${secret}2`, 'B=1', `D=${secret}`] } }),
      ...told({ config: { Env: [`A=${secret}`] } }, { config: {} }),
      ...told({ config: { Env: { nested: [secret, { a: secret }] } } }, { config: { Env: { nested: [{ a: 'b' }] } } }),
      ...told({ config: { Env: secret } }, { config: { Env: 3 } }),
      ...told({ history: [{ created_by: `ENV A=${secret}` }] }, { history: [{ created_by: `ARG B=${secret}` }] }),
      ...told({ history: [{ created_by: `ENV A=${secret}` }] }, { history: [{}] }),
    ];
    expect(lines.join('\n')).not.toContain(secret);
    expect(lines).toEqual(
      expect.arrayContaining(['config.Env: A has another value', 'config.Env: C is in the pinned image alone', 'config.Env: D is missing in the pinned image']),
    );
    expect(lines).toContain('history[0].created_by: pinned "ENV A=…", built "ARG B=…"');
    expect([instructionShown('COPY a b'), instructionShown('COPY --chmod=755 a b'), instructionShown('')]).toEqual(['COPY a b', 'COPY --chmod=…', '']);
  });

  it('take time that grows with their size alone where keys are long and many', () => {
    const wide = (value: number) => ({ ['k'.repeat(2_000_000)]: Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`${at}`, value])) });
    expect([...documentDifferences(wide(1), wide(2))]).toHaveLength(100_000);
  });
});

const file = (path: string, facts: Record<string, string> = {}): ComparedEntry => ({ path, facts: { type: 'file', mode: '0644', ...facts } });

const compared = (pinned: readonly ComparedEntry[], built: readonly ComparedEntry[]) => {
  const lines: string[] = [];
  const comparison = compareFiles((path, message) => lines.push(`${path}: ${message}`));
  built.forEach(comparison.built);
  pinned.forEach(comparison.pinned);
  return { lines, ...comparison.end() };
};

describe('entries of layers that are compared', () => {
  it.each<[string, ComparedEntry[], ComparedEntry[], string[]]>([
    ['equal', [file('a'), file('b')], [file('a'), file('b')], []],
    ['added', [file('a'), file('b')], [file('a')], ['b: is in the pinned image alone: file, mode 0644']],
    ['missing', [file('a')], [file('a'), file('b')], ['b: is missing in the pinned image: file, mode 0644']],
    ['different', [file('a', { mode: '0755', time: '1' })], [file('a', { time: '0' })], ['a: mode: pinned 0755, built 0644; time: pinned 1, built 0']],
    [
      'of another kind',
      [file('a', { type: 'symbolic link', target: 'x' })],
      [file('a')],
      ['a: type: pinned symbolic link, built file; target: pinned x, built none'],
    ],
    ['repeated', [file('a'), file('a', { mode: '0755' })], [file('a')], ['a: is in the pinned image alone: file, mode 0755']],
    ['repeated in both, and the second differs', [file('a'), file('a')], [file('a'), file('a', { mode: '0600' })], ['a: mode: pinned 0644, built 0600']],
    [
      'with names that every object has',
      [file('__proto__'), file('constructor')],
      [file('toString')],
      [
        '__proto__: is in the pinned image alone: file, mode 0644',
        'constructor: is in the pinned image alone: file, mode 0644',
        'toString: is missing in the pinned image: file, mode 0644',
      ],
    ],
  ])('%s', (_, pinned, built, lines) => {
    expect(compared(pinned, built)).toMatchObject({ lines, same: lines.length === 0 });
  });

  it('tell whether they came in the same order', () => {
    expect(compared([file('a'), file('b')], [file('a'), file('b')])).toMatchObject({ same: true, ordered: true });
    expect(compared([file('b'), file('a')], [file('a'), file('b')])).toMatchObject({ same: true, ordered: false });
  });
});

describe('layers that are paired', () => {
  const pairs = (pinned: string, built: string): string =>
    pairLayers([...pinned] as unknown as Digest[], [...built] as unknown as Digest[])
      .map((pair) => `${pair.pinned === null ? '-' : pinned[pair.pinned]}${pair.built === null ? '-' : built[pair.built]}`)
      .join(' ');

  it.each([
    ['', '', ''],
    ['abc', 'abc', 'aa bb cc'],
    ['abc', 'axc', 'aa bx cc'],
    ['ab', 'abc', 'aa bb -c'],
    ['xabc', 'abc', 'x- aa bb cc'],
    ['abc', 'xy', 'ax by c-'],
    ['axyb', 'azb', 'aa xz y- bb'],
    ['aab', 'ab', 'aa a- bb'],
  ])('%s with %s', (pinned, built, expected) => {
    expect(pairs(pinned, built)).toBe(expected);
  });
});

describe('differences that are gathered', () => {
  const place = { platform: 'linux/amd64', layer: 2, path: 'a' } as const;

  it('are counted beyond a limit, and are plain text of bounded length', () => {
    const gathering = gatherDifferences(2);
    gathering.add({ ...place, path: `::error::\u001b[2J\n\u202e${'x'.repeat(5000)}` }, `##[x] sha256:${'a'.repeat(64)} ${'y'.repeat(5000)}`);
    expect(gathering.isFull()).toBe(false);
    gathering.add({ platform: null, layer: null, path: null }, 'other');
    expect(gathering.isFull()).toBe(true);
    for (let more = 0; more < 3; more += 1) gathering.add(place, 'more');
    const { differences, omitted } = gathering.gathered();
    expect([gathering.count(), differences.length, omitted]).toEqual([5, 2, 3]);
    const lines = renderDifferences(gathering.gathered());
    expect(lines[0]).toMatch(/^linux\/amd64, layer 2, \\::error::\\x1b\[2J\\n\\u\{202e\}x+…: #\\#\[x\] aaaaaaaaaaaa y+…$/);
    expect(lines[0]!.length).toBeLessThan(1000);
    expect(lines.slice(1)).toEqual(['index: other', 'and 3 more']);
  });
});

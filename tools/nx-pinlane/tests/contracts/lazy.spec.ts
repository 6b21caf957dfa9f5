import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { MANIFEST } from '../../src/verbs/manifest.ts';

const source = resolve(import.meta.dirname, '../../src');
const IMPORT = /^\s*(?:import|export)\s(?!type\b)[^;]*?from '([^']+)';|^import '([^']+)';/gm;

/** Everything that a source of the plugin imports when it is loaded, by path below src or by package; what it imports later is not in it. */
const loadedBy = (file: string, seen = new Set<string>()): ReadonlySet<string> => {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, from, bare] of readFileSync(join(source, file), 'utf8').matchAll(IMPORT)) {
    const name = (from ?? bare)!;
    if (!name.startsWith('.')) seen.add(name);
    else if (existsSync(join(source, dirname(file), name))) loadedBy(join(dirname(file), name), seen);
  }
  return seen;
};

describe('what is loaded at once', () => {
  it('by inference is no definition of a verb, and nothing of Zod, whose schemas every Nx command would wait for', () => {
    const loaded = [...loadedBy('index.ts')];
    expect(loaded).toContain('verbs/manifest.ts');
    expect(loaded.filter((name) => name === 'zod' || name.endsWith('/verb.ts') || (name.startsWith('images/') && name !== 'images/bundler.ts'))).toEqual([]);
  });

  it.each(Object.keys(MANIFEST))('by the definition of %s is nothing that carries a verb out, its own or another one', (name) => {
    const loaded = [...loadedBy(`verbs/${name}/verb.ts`)];
    expect(loaded.filter((each) => each.startsWith('@pinlane/') && !['@pinlane/contracts', '@pinlane/pipeline'].includes(each))).toEqual([]);
    expect(loaded.filter((each) => each.startsWith('verbs/') && !each.startsWith(`verbs/${name}/`))).toEqual([]);
  });

  it('sees an import where there is one', () => {
    expect([...loadedBy('verbs/pin/pin.ts')]).toEqual(expect.arrayContaining(['@pinlane/oci', 'images/ensure-built.ts', 'verbs/pin/write.ts']));
  });
});

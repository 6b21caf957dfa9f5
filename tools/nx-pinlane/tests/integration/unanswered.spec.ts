import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { isPinlaneError } from '@pinlane/contracts';
import { startFaultyProxy, startRegistry, type FaultyProxy, type ProxyFault, type TestRegistry } from '@pinlane/testing';
import type { Verb } from '../../src/command/verb.ts';
import { verb as acceptance } from '../../src/verbs/acceptance/verb.ts';
import { verb as buildx } from '../../src/verbs/buildx/verb.ts';
import { verb as pin } from '../../src/verbs/pin/verb.ts';
import { empty } from './support/registry-state.ts';
import { contextOf, run as runVerb, withFiles } from './support/verb-context.ts';

let registry: TestRegistry;
let proxy: FaultyProxy;
beforeAll(async () => {
  registry = await startRegistry();
  proxy = await startFaultyProxy({ upstream: registry.host });
});
afterAll(async () => {
  await proxy.close();
  await registry.close();
});
afterEach(() => {
  proxy.rules.length = 0;
  empty(registry);
});

const FILE = 'processors/acme-one/registry.yaml';
const FILES = {
  [FILE]: 'ref: acme/one@1\n',
  'processors/acme-one/Dockerfile': 'FROM scratch\nCOPY name.txt /name.txt\n',
  'processors/acme-one/name.txt': 'one\n',
};
const STAGING = { PINLANE_LANE: 'staging', PINLANE_PUSH: 'true' };

/** Runs a verb that waits for a registry as for one that is near; the code of its error, if it ends with one. */
const run = async (root: string, verb: Verb, env: Record<string, string>, options: Record<string, unknown> = {}) => {
  const context = contextOf(root, {
    project: 'acme-one',
    projectRoot: 'processors/acme-one',
    env: { PINLANE_REGISTRY: `${proxy.host}/acme`, ...env },
    patience: { idleMs: 300, retry: { sleep: async () => undefined } },
  });
  const code = await runVerb(verb, options, context).then(
    () => null,
    (thrown: unknown) => (isPinlaneError(thrown) ? thrown.code : String(thrown)),
  );
  return { code, notes: context.notes.join('\n') };
};

const pinnedElsewhere = async (): Promise<string> => {
  let text = '';
  await withFiles(FILES, async (root) => {
    expect((await run(root, pin, STAGING)).code).toBeNull();
    text = await readFile(join(root, FILE), 'utf8');
  });
  return text;
};

const writes = () => proxy.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD').length;
const isRead = ({ method, url }: { method: string; url: string }): boolean => method === 'GET' && /\/(?:manifests|blobs)\//.test(url);

/** Each with how often a request that it spoils is sent, at most. */
const FAULTS: readonly (readonly [string, ProxyFault, number])[] = [
  ['never answers', { kind: 'hang' }, 2],
  ['sends headers and no more', { kind: 'stall', bytes: 0 }, 2],
  ['sends some bytes and no more', { kind: 'stall', bytes: 20 }, 2],
  ['breaks off in the middle', { kind: 'truncate', bytes: 20 }, 7],
  ['cuts the connection', { kind: 'reset' }, 7],
  ['answers 503', { kind: 'answer', status: 503 }, 7],
  ['answers 503 and asks to be waited for', { kind: 'answer', status: 503, headers: { 'retry-after': '2' } }, 7],
  ['answers 503 and asks for an hour', { kind: 'answer', status: 503, headers: { 'retry-after': '3600' } }, 1],
  ['answers 429', { kind: 'answer', status: 429 }, 7],
  ['answers 429 and asks to be waited for', { kind: 'answer', status: 429, headers: { 'retry-after': '1' } }, 7],
];

describe('A registry that, asked whether pins answer for the source,', () => {
  it.each(FAULTS)('%s is no proof that they do not: whoever pins or pushes stops, and writes nothing', async (_, fault, most) => {
    const text = await pinnedElsewhere();
    proxy.rules.push({ when: isRead, fault });
    await withFiles({ ...FILES, [FILE]: text }, async (root) => {
      proxy.requests.length = 0;
      for (const [verb, env, options] of [
        [pin, STAGING, {}],
        [pin, STAGING, { check: true }],
        [pin, {}, {}],
        [buildx, STAGING, {}],
        [acceptance, STAGING, {}],
      ] as const) {
        const before = proxy.requests.filter(isRead).length;
        const ran = await run(root, verb, env, options);
        expect([verb.name, ran.code]).toEqual([verb.name, 'ERR_REGISTRY_UNAVAILABLE']);
        // The index alone was asked for: its platforms would take as long.
        expect(proxy.requests.filter(isRead).length - before).toBeLessThanOrEqual(most);
      }
      expect([writes(), await readFile(join(root, FILE), 'utf8')]).toEqual([0, text]);
      // Nobody pins what this builds.
      expect(await run(root, buildx, {})).toMatchObject({ code: null, notes: expect.stringContaining('could not be asked for') });
      expect(writes()).toBe(0);
      proxy.rules.length = 0;
      expect((await run(root, pin, STAGING)).code).toBeNull();
      expect(await readFile(join(root, FILE), 'utf8')).toBe(text);
    });
  });

  it.each(FAULTS.filter(([, , most]) => most > 1))('%s once is asked again', async (_, fault) => {
    const text = await pinnedElsewhere();
    await withFiles({ ...FILES, [FILE]: text }, async (root) => {
      proxy.rules.push({ when: isRead, fault, times: 1 });
      proxy.requests.length = 0;
      expect((await run(root, pin, STAGING)).code).toBeNull();
      expect([writes(), await readFile(join(root, FILE), 'utf8')]).toEqual([0, text]);
    });
  });
});

describe('A registry that, asked for the tag of a fingerprint,', () => {
  it.each(FAULTS)('%s is no proof that nothing was built: nothing is, and nothing pinned', async (_, fault) => {
    const text = await pinnedElsewhere();
    proxy.rules.push({ when: ({ url }) => url.includes('/manifests/source-'), fault });
    await withFiles(FILES, async (root) => {
      proxy.requests.length = 0;
      for (const verb of [pin, buildx]) expect((await run(root, verb, STAGING)).code).toBe('ERR_REGISTRY_UNAVAILABLE');
      expect([writes(), await readFile(join(root, FILE), 'utf8')]).toEqual([0, FILES[FILE]]);
      proxy.rules.length = 0;
      expect((await run(root, pin, STAGING)).code).toBeNull();
      expect(writes()).toBe(0);
      expect((await readFile(join(root, FILE), 'utf8')).match(/sha256:[0-9a-f]{64}/g)).toEqual(text.match(/sha256:[0-9a-f]{64}/g));
    });
  });
});

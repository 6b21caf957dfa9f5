import { describe, expect, it } from '@jest/globals';
import { startRegistry } from '@pinlane/testing';
import { withWorkspace } from './support/workspace.ts';

const FILE = 'processors/acme-base/registry.yaml';

describe('staging', () => {
  it('pushes what it pins, pushes again what is gone from the registry, and pushes nothing twice', async () => {
    const registry = await startRegistry();
    const uploads = () => registry.requests.filter(({ method }) => method === 'PUT').length;
    try {
      await withWorkspace(async ({ nxWith, read }) => {
        const env = { PINLANE_LANE: 'staging', PINLANE_PUSH: 'true', PINLANE_REGISTRY: `${registry.host}/acme` };
        const first = await nxWith(env, 'run', 'acme-base:pin', '--outputStyle=static');
        expect([first.exitCode, first.output]).toEqual([0, expect.stringContaining('  pinned  ')]);
        const pinned = await read(FILE);
        expect(pinned.match(new RegExp(`${registry.host}/acme/acme-base@sha256:`, 'g'))).toHaveLength(3);
        expect(pinned).not.toContain('store.localhost');

        const after = uploads();
        expect((await nxWith(env, 'run', 'acme-base:pin')).exitCode).toBe(0);
        expect(uploads()).toBe(after);

        registry.manifests.clear();
        registry.blobs.clear();
        const stale = await nxWith(env, 'run', 'acme-base:buildx', '--outputStyle=static');
        expect([stale.exitCode, stale.output]).toEqual([0, expect.stringContaining('nothing built')]);
        expect(registry.manifests.size).toBeGreaterThan(0);
        const again = await nxWith(env, 'run', 'acme-base:pin', '--check', '--outputStyle=static');
        expect([again.exitCode, again.output]).toEqual([0, expect.stringContaining('pins are current')]);
        expect(await read(FILE)).toBe(pinned);
      });
    } finally {
      await registry.close();
    }
  }, 120_000);

  it('calls an image what git calls each commit that has it, without building it again', async () => {
    const registry = await startRegistry();
    try {
      await withWorkspace(async ({ nxWith, git }) => {
        const env = { PINLANE_LANE: 'staging', PINLANE_PUSH: 'true', PINLANE_REGISTRY: `${registry.host}/acme` };
        const push = () => nxWith(env, 'run', 'acme-base:buildx', '--tags=at-{sha}', '--tags={branch}', '--tags={tag}', '--outputStyle=static');
        const tags = () => [...registry.manifests.keys()].flatMap((key) => /:((?!pin-|source-)[\w.-]+)$/.exec(key.split('@')[0]!)?.[1] ?? []);
        await git('checkout', '--quiet', '-b', 'feature/one');
        const one = (await git('rev-parse', 'HEAD')).trim().slice(0, 12);
        const first = await push();
        expect([first.exitCode, first.output]).toEqual([0, expect.stringContaining('--tags: {tag} is left out')]);
        expect(tags().sort()).toEqual([`at-${one}`, 'feature-one'].sort());

        await git('commit', '--quiet', '--allow-empty', '-m', 'nothing');
        const two = (await git('rev-parse', 'HEAD')).trim().slice(0, 12);
        const second = await push();
        expect([second.exitCode, second.output]).toEqual([0, expect.stringContaining('nothing built')]);
        expect(tags().sort()).toEqual([`at-${one}`, `at-${two}`, 'feature-one'].sort());
      });
    } finally {
      await registry.close();
    }
  }, 120_000);
});

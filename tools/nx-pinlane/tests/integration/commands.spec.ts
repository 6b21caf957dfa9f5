import { existsSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { withWorkspace } from './support/workspace.ts';

describe('commands', () => {
  it('build nothing where the pinned image is asked for, neither the processor nor what it stands on', async () => {
    await withWorkspace(async ({ root, nx, write }) => {
      // Any attempt to bundle or build would stumble over these.
      await write({
        'processors/acme-one/src/main.ts': 'this is no TypeScript',
        'processors/acme-one/Dockerfile': 'FROM store.localhost/acme-base\nNONSENSE\n',
      });
      const ran = await nx('run', 'acme-one:acceptance', '-c', 'pinned', '--outputStyle=static');
      expect(ran.exitCode).toBe(1);
      expect(ran.output).toContain('ERR_IMAGE_UNPINNED: processors/acme-one/registry.yaml: acme/one@1 has no pin for linux/');
      expect(ran.output).not.toMatch(/ERR_BUNDLE_FAILED|ERR_DOCKERFILE/);
      expect(['.pinlane/builds', '.pinlane/store/index.json', 'processors/acme-one/dist'].filter((path) => existsSync(join(root, path)))).toEqual([]);
    });
  }, 60_000);

  it('name the place of a mistake in the source, the Dockerfile and registry.yaml', async () => {
    await withWorkspace(async ({ nx, write }) => {
      await write({ 'processors/acme-one/src/main.ts': "import './missing.ts';\n", 'processors/acme-base/Dockerfile': 'FROM scratch\nRUN true\n' });
      const bundle = await nx('run', 'acme-one:bundle', '--outputStyle=static');
      expect([bundle.exitCode, bundle.output]).toEqual([
        1,
        expect.stringContaining('ERR_BUNDLE_FAILED: processors/acme-one/src/main.ts:1:8: Could not resolve "./missing.ts"'),
      ]);
      const buildx = await nx('run', 'acme-base:buildx', '--engine=embedded', '--outputStyle=static');
      expect([buildx.exitCode, buildx.output]).toEqual([1, expect.stringContaining('ERR_DOCKERFILE_UNSUPPORTED: processors/acme-base/Dockerfile:2:1: ')]);

      await write({ 'processors/acme-one/registry.yaml': 'ref: acme/one@1\nbuild:\n\tport: 1\n' });
      const broken = await nx('show', 'projects');
      expect([broken.exitCode, broken.output]).toEqual([1, expect.stringContaining('ERR_REGISTRY_SYNTAX: processors/acme-one/registry.yaml:3:1: ')]);
    });
  }, 90_000);

  it('say of a build context what is wrong with it, and of a broken file that it is broken', async () => {
    await withWorkspace(async ({ root, pinlane, write }) => {
      const file = 'processors/acme-base/registry.yaml';
      await symlink('/', join(root, 'processors/acme-base/out'));
      for (const [context, said] of [
        ['nothere', /ERR_CONTEXT_INVALID: processors\/acme-base\/registry\.yaml: build\.context, "nothere", is not there\nfix: Name a folder/],
        ['Dockerfile', /ERR_CONTEXT_INVALID: .*build\.context, "Dockerfile", is not a folder\n/],
        ['out', /ERR_PATH_ESCAPES: .*build\.context, "out", leads out of the processor's folder\n/],
      ] as const) {
        await write({ [file]: `ref: acme/base@1\nbuild: { context: ${context} }\n` });
        const { exitCode, stderr } = await pinlane('buildx', 'acme-base');
        expect([exitCode, stderr]).toEqual([1, expect.stringMatching(said)]);
      }
      await write({ [file]: 'ref: acme/base@1\nref: acme/base@2\n' });
      const broken = await pinlane('pin', 'acme-base');
      expect([broken.exitCode, broken.stderr]).toEqual([1, expect.stringContaining(`ERR_REGISTRY_SYNTAX: ${file}:2:`)]);
    });
  }, 60_000);

  it('refuse an option they do not have, and one with a value it cannot take', async () => {
    await withWorkspace(async ({ root, nx, pinlane, pinlaneWith }) => {
      const unknown = await nx('run', 'acme-base:buildx', '--plattforms=linux/amd64', '--outputStyle=static');
      expect([unknown.exitCode, unknown.output]).toEqual([1, expect.stringContaining('plattforms')]);
      const value = await nx('run', 'acme-base:buildx', '--engine=podman', '--outputStyle=static');
      expect([value.exitCode, value.output]).toEqual([1, expect.stringContaining('engine')]);
      const platform = await pinlane('buildx', 'acme-base', '--platforms=linux/s390x', '--json');
      expect([platform.exitCode, JSON.parse(platform.stdout)]).toEqual([
        1,
        expect.objectContaining({ kind: 'Error', problems: [expect.objectContaining({ code: 'ERR_PLATFORM_INVALID' })] }),
      ]);
      for (const args of [['buildx', 'acme-base', '--plattforms=x'], ['nonsense'], ['pin', 'no-such-processor']]) {
        const early = await pinlane(...args, '--json');
        expect([early.exitCode, JSON.parse(early.stdout)]).toMatchObject([
          1,
          { kind: 'Error', problems: [{ code: 'ERR_OPTION_INVALID', fix: expect.any(String) }] },
        ]);
      }
      const bare = await pinlane('pin', 'acme-base', `--digest=sha256:${'a'.repeat(64)}`);
      expect([bare.exitCode, bare.stderr]).toEqual([1, expect.stringMatching(/ERR_REFERENCE_INVALID: --digest: .*\nfix: Write it before the digest/)]);
      const tagged = await pinlane('buildx', 'acme-base', '--tags=Bad:Tag:xx');
      expect([tagged.exitCode, tagged.stderr]).toEqual([1, expect.stringContaining('ERR_OPTION_INVALID: --tags: "Bad:Tag:xx"')]);
      expect(existsSync(join(root, '.pinlane/builds'))).toBe(false);
      const docker = await pinlaneWith({ DOCKER_HOST: `unix://${root}/no.sock`, DOCKER_CONTEXT: '' }, 'buildx', 'acme-base', '--engine=docker');
      expect([docker.exitCode, docker.stderr]).toEqual([1, expect.stringMatching(/ERR_ENGINE_UNAVAILABLE.*\nfix: /)]);
    });
  }, 90_000);

  it('find a processor by its ref, name those that there are, and read nx.json as Nx does', async () => {
    await withWorkspace(async ({ pinlane, read, write }) => {
      const unknown = await pinlane('pin', 'acme-won');
      expect([unknown.exitCode, unknown.stderr]).toEqual([1, expect.stringMatching(/no processor "acme-won" .*\nfix: Name one .*acme-base, acme-one/)]);
      const text = await read('nx.json');
      await write({ 'nx.json': text.replace('{', '{ // as Nx takes it\n') });
      const byRef = await pinlane('buildx', 'acme/base@1', '--json');
      expect([byRef.exitCode, JSON.parse(byRef.stdout)]).toMatchObject([0, { kind: 'BuiltImage', name: 'acme-base' }]);
      await write({ 'nx.json': text.replace('{', '{ nonsense') });
      const broken = await pinlane('pin', 'acme-one', '--json');
      expect([broken.exitCode, JSON.parse(broken.stdout)]).toMatchObject([1, { kind: 'Error', problems: [{ code: 'ERR_OPTION_INVALID', file: 'nx.json' }] }]);
    });
  }, 60_000);

  it('obey the lane: dev and main build nothing, staging pins no local image, pr no image at all', async () => {
    await withWorkspace(async ({ root, nxWith, pinlane, read }) => {
      const forbidden = await nxWith({ PINLANE_LANE: 'main' }, 'run', 'acme-base:buildx', '--outputStyle=static');
      expect([forbidden.exitCode, forbidden.output]).toEqual([1, expect.stringContaining('ERR_LANE_FORBIDS')]);
      const tested = await nxWith({ PINLANE_LANE: 'main' }, 'run', 'acme-one:acceptance', '--outputStyle=static');
      expect([tested.exitCode, tested.output]).toEqual([1, expect.stringContaining('ERR_IMAGE_UNPINNED')]);
      const still = await nxWith({ PINLANE_LANE: 'main' }, 'run', 'acme-base:buildx', '--outputStyle=static');
      expect([still.exitCode, still.output]).toEqual([1, expect.stringContaining('ERR_LANE_FORBIDS')]);
      expect(existsSync(join(root, '.pinlane/builds'))).toBe(false);
      const before = await read('processors/acme-base/registry.yaml');
      const staging = await pinlane('pin', 'acme-base', '--lane=staging');
      expect([staging.exitCode, staging.stderr]).toEqual([1, expect.stringMatching(/ERR_PIN_LOCAL.*\nfix: /)]);
      const pr = await pinlane('pin', 'acme-base', '--lane=pr');
      expect([pr.exitCode, pr.stderr]).toEqual([1, expect.stringContaining('ERR_LANE_FORBIDS')]);
      expect(await read('processors/acme-base/registry.yaml')).toBe(before);
    });
  }, 90_000);

  it('say that the base is the one that the environment names', async () => {
    await withWorkspace(async ({ pinlaneWith, write }) => {
      await write({ 'processors/acme-base/Dockerfile': 'ARG BASE_IMAGE=store.localhost/acme-three\nFROM ${BASE_IMAGE}\n' });
      const { exitCode, stderr } = await pinlaneWith({ PINLANE_BASE_IMAGE: '127.0.0.1:1/base:1' }, 'buildx', 'acme-base');
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('ERR_REGISTRY_UNAVAILABLE: PINLANE_BASE_IMAGE, 127.0.0.1:1/base:1: ')]);
    });
  }, 60_000);

  it('say which base is missing where a Dockerfile names a project that there is not', async () => {
    await withWorkspace(async ({ nx, write }) => {
      await write({ 'processors/acme-base/Dockerfile': 'FROM store.localhost/no-such-project\n' });
      const ran = await nx('run', 'acme-base:buildx', '--outputStyle=static');
      expect([ran.exitCode, ran.output]).toEqual([1, expect.stringMatching(/ERR_BASE_UNAVAILABLE: .*no-such-project.*\nfix: .*no-such-project:buildx/)]);
    });
  }, 60_000);
});

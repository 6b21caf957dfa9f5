import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { serveStore } from '@pinlane/oci';
import { lackOf, requirement } from '@pinlane/testing';
import { withWorkspace, type TestWorkspace } from './support/workspace.ts';

const ONE = 'processors/acme-one';
const BUSYBOX = '/bin/busybox';

const record = async ({ read }: TestWorkspace, name: string) => JSON.parse(await read(`.pinlane/builds/${name}.json`));

const holdsText = async (folder: string, text: string): Promise<string[]> => {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const found = await Promise.all(files.map(async (file) => ((await readFile(file)).includes(text) ? [file] : [])));
  return found.flat();
};

// A static shell is all that a RUN needs.
const withRun = async (workspace: TestWorkspace, run: string): Promise<void> => {
  await cp(BUSYBOX, join(workspace.root, ONE, 'busybox'));
  await workspace.write({
    [`${ONE}/.dockerignore`]: '*\n!busybox\n!registry.yaml\n',
    [`${ONE}/Dockerfile`]: `FROM scratch\nCOPY --chmod=755 busybox /bin/sh\nCOPY --chmod=755 busybox /bin/busybox\n${run}\nCOPY registry.yaml /\nUSER 1000:1000\nENTRYPOINT ["/bin/sh"]\n`,
  });
};

requirement(
  'buildx',
  lackOf('buildx'),
  describe,
)('the docker engine', () => {
  it('builds both platforms into the store, the same digests each time, and pin and its check go on from there', async () => {
    await withWorkspace(async (workspace) => {
      const docker = { PINLANE_ENGINE: 'docker' };
      const first = await workspace.nxWith(docker, 'run', 'acme-three:pin', '--outputStyle=static');
      expect([first.exitCode, first.output]).toEqual([0, expect.stringMatching(/acme-three: built by buildx .*docker/)]);
      const built = await record(workspace, 'acme-three');
      expect(built.engine).toMatchObject({ name: 'docker', builder: { driver: 'docker' }, reproducible: true });
      expect(Object.keys(built.platforms)).toEqual(['amd64', 'arm64']);
      const pinned = await workspace.read('processors/acme-three/registry.yaml');
      expect(pinned).toContain(`index: store.localhost/acme-three@${built.index}`);

      // Pins do not reach the image, and nothing of the first build may be needed for the same digest.
      const again = await workspace.nxWith(docker, 'run', 'acme-three:buildx', '--noCache', '--outputStyle=static');
      expect(again.exitCode).toBe(0);
      expect((await record(workspace, 'acme-three')).platforms).toEqual(built.platforms);
      const check = await workspace.nxWith(docker, 'run', 'acme-three:pin', '--check', '--outputStyle=static');
      expect([check.exitCode, check.output]).toEqual([0, expect.stringContaining('acme/three@1')]);
      expect(await readdir(join(workspace.root, '.pinlane/cache/docker'))).toEqual([]);
    });
  }, 300_000);

  requirement(
    'busybox',
    existsSync(BUSYBOX) ? null : `there is no ${BUSYBOX}, a shell that needs no library`,
    describe,
  )('with commands to run', () => {
    it('is taken where a Dockerfile runs commands, and its secrets are seen by them alone', async () => {
      const canary = `canary${randomBytes(12).toString('hex')}`;
      await withWorkspace(async (workspace) => {
        await withRun(
          workspace,
          'RUN --mount=type=secret,id=key ["/bin/sh", "-c", "busybox sha256sum < /run/secrets/key > /proof; busybox cat /run/secrets/key"]',
        );
        const ran = await workspace.pinlaneWith(
          { SOME_KEY: canary },
          'buildx',
          'acme-one',
          '--platforms=linux/amd64',
          '--secret=id=key,env=SOME_KEY',
          '--verbose',
        );
        expect([ran.exitCode, ran.output]).toEqual([0, expect.stringMatching(/acme-one: built by buildx/)]);
        expect(ran.output).not.toContain(canary);
        expect(await holdsText(join(workspace.root, '.pinlane'), canary)).toEqual([]);
      });
    }, 180_000);

    it('builds on the images that its commands mount, by digest as on any other', async () => {
      await withWorkspace(async (workspace) => {
        await withRun(
          workspace,
          'RUN --mount=type=bind,from=store.localhost/acme-base,target=/m --mount=type=bind,from=tools,target=/n busybox cmp /m/etc/packages.txt /n/etc/packages.txt',
        );
        const dockerfile = await workspace.read(`${ONE}/Dockerfile`);
        await workspace.write({ [`${ONE}/Dockerfile`]: `FROM store.localhost/acme-base AS tools\n${dockerfile}` });
        const ran = await workspace.nxWith({ PINLANE_PLATFORMS: 'linux/amd64' }, 'run', 'acme-one:buildx', '--outputStyle=static');
        expect([ran.exitCode, ran.output]).toEqual([0, expect.stringMatching(/acme-one: built by buildx/)]);
        const { index } = await record(workspace, 'acme-base');
        expect((await record(workspace, 'acme-one')).bases).toEqual({ 'store.localhost/acme-base': `store.localhost/acme-base@${index}` });
      });
    }, 180_000);

    it('names the line of a command that fails, keeps no record of it, and refuses a secret among build arguments', async () => {
      await withWorkspace(async (workspace) => {
        await withRun(workspace, 'RUN echo before; exit 7');
        const failed = await workspace.pinlane('buildx', 'acme-one', '--platforms=linux/amd64');
        expect([failed.exitCode, failed.stderr]).toEqual([1, expect.stringMatching(/ERR_BUILD_FAILED: processors\/acme-one\/Dockerfile:4: [^]*exit code: 7/)]);
        const secret = await workspace.pinlaneWith({ MY_TOKEN: 'abcdefgh12345678' }, 'buildx', 'acme-one', '--buildArgs.HARMLESS=xabcdefgh12345678');
        expect([secret.exitCode, secret.stderr]).toEqual([
          1,
          expect.stringContaining('ERR_SECRET_IN_BUILD_ARG: the build argument HARMLESS looks like a secret'),
        ]);
        expect(secret.output).not.toContain('abcdefgh12345678');
        // What the build may read is as secret as what a name says to be.
        await workspace.write({ '.npmrc-ci': '//npm.acme.example/:_authToken=zyxwvuts87654321\n' });
        const mounted = await workspace.pinlane('buildx', 'acme-one', '--secret=id=npm,src=.npmrc-ci', '--buildArgs.GREETING=zyxwvuts87654321');
        expect([mounted.exitCode, mounted.stderr]).toEqual([1, expect.stringContaining('ERR_SECRET_IN_BUILD_ARG: the build argument GREETING')]);
        expect(await readdir(join(workspace.root, '.pinlane/builds')).catch(() => [])).not.toContain('acme-one.json');
      });
    }, 180_000);
  });

  it('builds on what a registry of this machine has, which the builder itself need not reach', async () => {
    await withWorkspace(async (workspace) => {
      await workspace.nx('run', 'acme-base:buildx');
      const { index } = await record(workspace, 'acme-base');
      const served = await serveStore({ root: join(workspace.root, '.pinlane/store'), logRequests: false });
      try {
        await workspace.write({ [`${ONE}/Dockerfile`]: `FROM 127.0.0.1:${served.port}/acme-base@${index}\nCOPY registry.yaml /\n` });
        const ran = await workspace.pinlane('buildx', 'acme-one', '--engine=docker', '--platforms=linux/amd64');
        expect([ran.exitCode, ran.output]).toEqual([0, expect.stringContaining('acme-one: built by buildx')]);
        expect((await record(workspace, 'acme-one')).bases).toEqual({ [`127.0.0.1:${served.port}/acme-base@${index}`]: expect.stringContaining(index) });
      } finally {
        await served.close();
      }
    });
  }, 120_000);

  it('builds in a folder whose name means something to Docker, as CI servers make them', async () => {
    await withWorkspace(async (workspace) => {
      await workspace.write({ [`${ONE}/Dockerfile`]: 'FROM store.localhost/acme-base\nCOPY registry.yaml /\n', token: 'canary-5d1f\n' });
      const options = ['--engine=docker', '--platforms=linux/amd64', '--secret=id=token,src=token', '--cacheTo=type=local,dest=cache'];
      const ran = await workspace.nxWith({}, 'run', 'acme-one:buildx', ...options, '--outputStyle=static');
      expect([ran.exitCode, ran.output]).toEqual([0, expect.stringContaining('acme-one: built by buildx')]);
    }, 'ws,job@2:"a" b');
  }, 300_000);

  it('takes no build for that of other options, and none at all where a folder goes in that no digest stands for', async () => {
    await withWorkspace(async (workspace) => {
      await workspace.write({ [`${ONE}/Dockerfile`]: 'FROM scratch\nCOPY registry.yaml /\nCOPY --from=more note.txt /\n', 'more/note.txt': 'one' });
      const build = async () => {
        const ran = await workspace.pinlane('buildx', 'acme-one', '--engine=docker', '--platforms=linux/amd64', '--buildContexts=more=more');
        expect([ran.exitCode, ran.output]).toEqual([0, expect.stringContaining('acme-one: built by')]);
        return (await record(workspace, 'acme-one')).index;
      };
      const first = await build();
      await workspace.write({ 'more/note.txt': 'two' });
      const second = await build();
      expect(second).not.toBe(first);
      // By itself it would be built without the context; what was built is pinned by its digest.
      const pinned = await workspace.pinlane('pin', 'acme-one', `--digest=store.localhost/acme-one@${second}`);
      expect([pinned.exitCode, await workspace.read(`${ONE}/registry.yaml`)]).toEqual([0, expect.stringContaining(second)]);
    });
  }, 120_000);

  it('hands no secret to a build in a lane that runs without any', async () => {
    await withWorkspace(async ({ pinlaneWith, write }) => {
      await write({ 'processors/acme-three/Dockerfile': 'FROM scratch\nCOPY registry.yaml /\n' });
      const refused = await pinlaneWith({ SOME_KEY: 'canary-91d3' }, 'buildx', 'acme-three', '--lane=pr', '--engine=docker', '--secret=id=key,env=SOME_KEY');
      expect([refused.exitCode, refused.stderr]).toEqual([
        1,
        expect.stringMatching(/ERR_LANE_SECRET_SET: lane pr runs without secrets, and --secret names key/),
      ]);
      const agent = await pinlaneWith({}, 'buildx', 'acme-three', '--lane=pr', '--engine=docker', '--ssh=default');
      expect([agent.exitCode, agent.stderr]).toEqual([1, expect.stringMatching(/ERR_LANE_SECRET_SET: lane pr runs without secrets, and --ssh/)]);
    });
  }, 120_000);

  it('loads an image into Docker under the names that people gave it', async () => {
    await withWorkspace(async (workspace) => {
      const tag = `test-${randomBytes(6).toString('hex')}`;
      await workspace.nx('run', 'acme-base:buildx');
      try {
        const ran = await workspace.pinlane('buildx', 'acme-three', '--load', `--tags=${tag}`, '--labels=org.example.note=hello');
        expect([ran.exitCode, ran.stderr]).toEqual([0, expect.any(String)]);
        const labels = JSON.parse(
          execFileSync('docker', ['image', 'inspect', `acme-three:${tag}`, '--format', '{{json .Config.Labels}}'], { encoding: 'utf8' }),
        );
        expect(labels).toMatchObject({ 'org.example.note': 'hello', 'dev.pinlane.ref': 'acme/three@1' });
      } finally {
        execFileSync('docker', ['image', 'rm', '--force', `acme-three:${tag}`], { stdio: 'ignore' });
      }
    });
  }, 120_000);
});

describe('the engine auto', () => {
  it('says what needs Docker, and why there is none', async () => {
    await withWorkspace(async ({ root, pinlaneWith, write }) => {
      await write({ 'processors/acme-base/Dockerfile': 'FROM scratch\nRUN true\n' });
      const { exitCode, stderr } = await pinlaneWith({ DOCKER_HOST: `unix://${root}/no.sock`, DOCKER_CONTEXT: '' }, 'buildx', 'acme-base');
      expect([exitCode, stderr]).toEqual([
        1,
        expect.stringMatching(/^ERR_DOCKERFILE_UNSUPPORTED: .*:2:1: RUN .*\nfix: .*\nERR_ENGINE_UNAVAILABLE: .*\nfix: /m),
      ]);
    });
  }, 60_000);
});

describe('the embedded engine', () => {
  it('refuses by name what only Docker can carry out, and says which options have no effect', async () => {
    await withWorkspace(async ({ nx, pinlane }) => {
      await nx('run', 'acme-base:buildx');
      const refused = await pinlane('buildx', 'acme-three', '--engine=embedded', '--network=none', '--sbom=true');
      expect([refused.exitCode, refused.stderr]).toEqual([
        1,
        expect.stringMatching(/ERR_OPTION_INVALID: .*--sbom, --network\nfix: Build with --engine=docker/),
      ]);
      const idle = await pinlane('buildx', 'acme-three', '--engine=embedded', '--cacheTo=type=local,dest=/nowhere');
      expect([idle.exitCode, idle.output]).toEqual([0, expect.stringContaining('--cacheTo: of Docker')]);
    });
  }, 120_000);
});

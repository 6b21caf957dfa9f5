import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { chooseRuntime } from '@pinlane/adapters';
import { processorSpecSchema, type AcceptanceReport, type ProcessorSpec, type RuntimeName } from '@pinlane/contracts';
import { requirement, sourceOf, temporaryFolder } from '@pinlane/testing';
import { acceptImage } from '../../src/index.ts';
import { RULES } from '../../src/rules/index.ts';
import { bundleReference, imageOf } from '../support/image.ts';
import { SPEC } from '../support/subject.ts';

// Real runtimes unpack and start images that hold a whole Node.
jest.setTimeout(180_000);

/** A processor that is healthy, and takes all memory that it can get as soon as it is asked for a run. */
const GLUTTON = `require('node:http').createServer((request, response) => {
  if (request.url === '/healthz') return response.end('{}');
  const all = [];
  for (;;) all.push(Buffer.alloc(16 * 2 ** 20, 1));
}).listen(Number(process.env.PORT), '0.0.0.0');`;

for (const runtime of ['docker', 'bubblewrap', 'unshare'] as const satisfies readonly RuntimeName[]) {
  const missing = await chooseRuntime(runtime, { lane: 'local', progress: () => {} }).then(
    () => null,
    (error: Error) => error.message,
  );
  requirement(
    runtime,
    missing,
    describe,
  )(`accepting an image in ${runtime}`, () => {
    const name = `test-r${randomBytes(4).toString('hex')}`;
    const spec: ProcessorSpec = { ...SPEC, ref: processorSpecSchema.shape.ref.parse(`${name.replace('-', '/')}@1`) };
    let folder = '';
    let program = '';
    beforeAll(async () => {
      program = await bundleReference();
      folder = temporaryFolder('isolated');
      writeFileSync(join(folder, 'case.yaml'), 'cases: [{ name: a text, params: { text: hello }, expect: { more_outputs: true } }]\n');
    });
    afterAll(() => {
      if (runtime !== 'docker') return;
      const tags = execFileSync('docker', ['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}', `pinlane.localhost/accept/${name}`], { encoding: 'utf8' });
      execFileSync('docker', ['image', 'rm', '--force', ...tags.split('\n').filter(Boolean)], { stdio: 'ignore' });
    });

    const accept = async (main: string, { about = spec, user = '1000:1000' } = {}): Promise<AcceptanceReport> => {
      const image = await imageOf(main, null, { withNode: true, about, user });
      const { digest } = image.descriptor;
      return acceptImage({
        spec: about,
        source: sourceOf({ platforms: [image] }),
        digest,
        platform: process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64',
        image: { host: 'store.localhost', path: name, digest },
        lane: 'staging',
        pinned: true,
        runtime,
        casesDir: folder,
        cacheDir: join(folder, 'cache'),
        reportsDir: join(folder, 'reports'),
        workspaceRoot: folder,
        progress: () => {},
      });
    };

    it('finds that one that obeys the contract breaks no rule, and judges every one', async () => {
      const report = await accept(program);
      expect(report.checks.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
      expect(report.checks.map(({ rule }) => rule)).toEqual([...RULES.map((rule) => rule.name), 'case:case.yaml#a text']);
      expect(report).toMatchObject({ verdict: 'accepted', isolation: { runtime, network: 'blocked', filesystem: 'read-only', emulated: false } });
    });

    it('rejects an image that runs as root by that rule alone', async () => {
      const report = await accept(program, { user: '0:0' });
      expect(report.verdict).toBe('rejected');
      expect(report.checks.filter(({ outcome }) => outcome === 'failed').map(({ rule }) => rule)).toEqual(['image.user']);
    });

    if (runtime === 'docker')
      it('says in the report that a processor went over its memory limit', async () => {
        const report = await accept(GLUTTON, { about: { ...spec, runtime: { ...spec.runtime, memory_gb: 0.125 } } });
        expect(report.verdict).toBe('rejected');
        expect(report.checks.map(({ message }) => message)).toContainEqual(
          expect.stringContaining('the processor was killed, because it went over its memory limit of 128 MiB'),
        );
      });
  });
}

import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { hostRuntime } from '@pinlane/adapters';
import { PROCESSOR_ENV, type AcceptanceCase, type AcceptanceReport, type Check } from '@pinlane/contracts';
import { errorOf, sourceOf, temporaryFolder } from '@pinlane/testing';
import { acceptImage, RULES, runCases, runConformance, summaryText } from '../../src/index.ts';
import { HOSTILE } from '../support/hostile.ts';
import { imageOf } from '../support/image.ts';
import { referenceSubject, SPEC } from '../support/subject.ts';

// Real processes and servers take many times as long on a busy machine.
jest.setTimeout(120_000);

const CANARY = 'canary-of-the-host-5b1f';
/** What a terminal obeys, or nobody sees; line feeds are looked at apart. */
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]|^\s*::|##\[/m;
/** Nx gives an interrupted task 5 s; the machine of a test may be busy. */
const END_MS = 10_000;

describe('a hostile processor', () => {
  let folder = '';
  let host = '';
  beforeEach(() => {
    folder = temporaryFolder('hostile');
    host = join(folder, 'host/secret');
    for (const name of ['host', 'tmp', 'acceptance']) mkdirSync(join(folder, name));
    writeFileSync(host, CANARY);
    writeFileSync(join(folder, 'host/outputs.json'), CANARY);
  });

  const accept = async (kind: string, signal?: AbortSignal): Promise<AcceptanceReport> => {
    const image = await imageOf(HOSTILE, `${kind}=${host}`);
    const { digest } = image.descriptor;
    return acceptImage({
      spec: SPEC,
      source: sourceOf({ platforms: [image] }),
      digest,
      platform: process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64',
      image: { host: 'store.localhost', path: 'test-hostile', digest },
      lane: 'local',
      pinned: false,
      runtime: 'host',
      casesDir: join(folder, 'acceptance'),
      cacheDir: join(folder, 'cache'),
      reportsDir: join(folder, 'reports'),
      workspaceRoot: folder,
      workDir: join(folder, 'tmp'),
      progress: () => {},
      ...(signal ? { signal } : {}),
    });
  };
  const all = (report: AcceptanceReport): string =>
    [
      JSON.stringify(report, null, 1),
      summaryText(report),
      ...readdirSync(join(folder, 'reports')).map((name) => readFileSync(join(folder, 'reports', name), 'utf8')),
    ].join('\n');
  const nothingIsLeft = async (): Promise<void> => {
    for (let tries = 0; tries < 600 && readdirSync(join(folder, 'tmp')).length > 0; tries += 1) await sleep(100);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
    expect(existsSync(host)).toBe(true);
  };

  it.each<[string, RegExp]>([
    ['index-environ', /outputs\.json is a link, which is not followed/],
    ['outputs-link', /outputs is a link, which is not followed/],
    ['index-pipe', /outputs\.json is a pipe, and no file/],
    ['deep', /holds folders that are nested deeper than 64/],
    ['child', /./],
    ['flood', /the processor was ended, because it wrote more than 67108864 bytes to its log/],
    ['answer-escapes', /expected 200, got 500: \\x1b\]0;title\\x07\\n::add-mask::1\\n#\\#\[error\]\\u\{202e\}/],
  ])('gets nothing of the machine into a report, and leaves nothing: %s', async (kind, message) => {
    const report = await accept(kind);
    expect(report.verdict).toBe('rejected');
    expect(report.checks.filter(({ outcome }) => outcome === 'failed').map((check) => check.message)).toContainEqual(expect.stringMatching(message));
    expect(all(report)).not.toContain(CANARY);
    expect(all(report)).not.toMatch(/\bPATH=/);
    expect(all(report)).not.toMatch(OBEYED);
    await nothingIsLeft();
  });

  it.each(['answer-never', 'answer-drips', 'deep'])('does not keep an acceptance that is interrupted from its end: %s', async (kind) => {
    const stop = new AbortController();
    const accepted = errorOf(() => accept(kind, stop.signal));
    // As soon as the first run is under way; artifacts are made when a processor starts.
    const runs = () => globSync('tmp/*/ordinary-*/artifacts/runs/*', { cwd: folder }).length > 0;
    for (let tries = 0; tries < 3000 && !runs(); tries += 1) await sleep(20);
    expect(runs()).toBe(true);
    const at = performance.now();
    stop.abort();
    expect((await accepted).code).toBe('ERR_CANCELLED');
    expect(performance.now() - at).toBeLessThan(END_MS);
    await nothingIsLeft();
  });

  /** One processor, and the rules about what a run answers and leaves; the variants that other rules need are not started. */
  const examine = async (kind: string): Promise<readonly Check[]> => {
    const { image: _, ...spec } = SPEC;
    const [rootfs, artifacts] = [join(folder, 'rootfs'), join(folder, 'artifacts')];
    mkdirSync(join(rootfs, 'app'), { recursive: true });
    mkdirSync(artifacts);
    writeFileSync(join(rootfs, 'app/main.cjs'), HOSTILE);
    writeFileSync(join(rootfs, 'app/registry.yaml'), JSON.stringify(spec));
    const { subject, end } = await referenceSubject(null);
    const running = await hostRuntime.start({
      image: {
        name: 'test-hostile',
        platform: process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64',
        digest: subject.digest,
        configDigest: subject.digest,
        config: { Entrypoint: ['node', '/app/main.cjs'], WorkingDir: '/app', User: '1000:1000', Env: [`BREAKS=${kind}=${host}`] },
        rootfs: async () => rootfs,
        archive: () => {
          throw new Error('this image is not archived');
        },
      },
      limits: { cpus: 1, memoryBytes: 2 ** 30, pids: 128 },
      env: { [PROCESSOR_ENV.imageDigest]: subject.digest },
      port: 8000,
      artifacts,
      until: 'healthy',
      startTimeoutMs: 30_000,
    });
    try {
      const rules = RULES.filter(({ name }) => /^(?:run|outputs|receipt\.(?!deter|exec)|guard\.nothing|stream\.done)/.test(name));
      const start = () => Promise.reject(new Error('not here'));
      const cases: AcceptanceCase = {
        ...{ name: 'a case', mode: 'mock', params: {}, stream: false },
        expect: { status: 'success', outputs: [{ path: 'a.txt', text: 'an answer', sha256: '0'.repeat(64) }], more_outputs: false },
      };
      return [...(await runConformance({ ...subject, running, start }, { rules })), ...(await runCases(running, SPEC, [{ file: 'x', cases: [cases] }]))];
    } finally {
      await running.stop(0);
      await end();
    }
  };

  it.each<[string, RegExp]>([
    ['index-link', /outputs\.json is a link, which is not followed/],
    ['index-folder', /outputs\.json is a folder, and no file/],
    ['receipt-link', /receipt\.json is a link, which is not followed/],
    ['receipt-pipe', /receipt\.json is a pipe, and no file/],
    ['run-link', /runs\/conformance-\d+ is a link, which is not followed/],
    ['output-link', /a\.txt is a link, which is not followed/],
    ['output-endless', /a\.txt is a link, which is not followed/],
    ['output-sparse', /the files to be read hold more than 1073741824 bytes/],
    ['receipt-sparse', /receipt\.json holds 1900000000 bytes; 8388608 at most are read/],
    ['output-above', /is not the plain path of something below/],
    ['output-absolute', /is not the plain path of something below/],
    ['output-nul', /is not the plain path of something below/],
    ['output-strange', /expected an output to have a path/],
    ['output-long', /is not there/],
    ['outputs-many', /the envelope lists 20000 outputs; 10000 at most are looked at/],
    ['names', /not listed: x\\n::add-mask::1\\n\\x1b\[31m#\\#\[error\]\\u\{202e\}y/],
    ['swap', /a\.txt has the sha256|is not there|is a link|is no folder/],
    ['answer-endless', /the answer to POST \/run has more than 8388608 bytes/],
    ['answer-deep', /is nested deeper than 100 levels/],
  ])('is told what is wrong with what it answers and leaves, and nothing is believed: %s', async (kind, message) => {
    const checks = await examine(kind);
    expect(checks.filter(({ outcome }) => outcome === 'failed').map((check) => check.message)).toContainEqual(expect.stringMatching(message));
    expect(JSON.stringify(checks)).not.toContain(CANARY);
    for (const { message: said } of checks) expect(said).not.toMatch(OBEYED);
  });
});

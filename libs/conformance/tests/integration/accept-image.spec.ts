import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { hostRuntime } from '@pinlane/adapters';
import { acceptanceReportSchema, type AcceptanceReport, type Runtime } from '@pinlane/contracts';
import { indexOf, sourceOf, temporaryFolder } from '@pinlane/testing';
import { acceptImage, summaryText, type AcceptOptions } from '../../src/index.ts';
import { bundleReference, imageOf } from '../support/image.ts';
import { SPEC } from '../support/subject.ts';

// Real processes and servers take many times as long on a busy machine.
jest.setTimeout(60_000);

const CASES = `
cases:
  - name: a text is answered
    params: { text: hello }
    expect:
      http: 200
      outputs:
        - { path: text/answer.txt, mime: text/plain, text: an answer }
        - { path: data.json, json: { params: { text: hello }, salt: '' } }
  - name: a text is answered in a stream
    stream: true
    params: { text: hello }
    expect: { outputs: [{ path: text/answer.txt, contains: answer }], more_outputs: true }
  - name: a number is refused
    params: { text: 1 }
    expect: { status: error, http: 400, code: ERR_INPUTS }
`;

describe('accepting an image', () => {
  let program = '';
  let folder = '';
  beforeAll(async () => {
    program = await bundleReference();
  });
  beforeEach(() => {
    folder = temporaryFolder('acceptance');
    mkdirSync(join(folder, 'acceptance'));
    writeFileSync(join(folder, 'acceptance/basic.yaml'), CASES);
  });

  const optionsFor = async (breaks: string | null, more: Partial<AcceptOptions> = {}): Promise<AcceptOptions> => {
    const image = await imageOf(program, breaks);
    const { digest } = image.descriptor;
    return {
      spec: SPEC,
      source: sourceOf({ platforms: [image] }),
      digest,
      platform: process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64',
      image: { host: 'store.localhost', path: 'test-reference', digest },
      lane: 'local',
      pinned: false,
      runtime: 'host',
      casesDir: join(folder, 'acceptance'),
      cacheDir: join(folder, 'cache'),
      reportsDir: join(folder, 'reports'),
      workspaceRoot: folder,
      progress: () => {},
      ...more,
    };
  };
  const failedIn = ({ checks }: AcceptanceReport): string[] => checks.filter(({ outcome }) => outcome === 'failed').map(({ rule }) => rule);

  it('accepts a processor that obeys the contract and its own cases, and writes JSON and JUnit', async () => {
    const options = await optionsFor(null);
    const report = await acceptImage(options);
    expect(failedIn(report)).toEqual([]);
    expect(report).toMatchObject({ verdict: 'accepted', digest: options.digest, log: null, isolation: { runtime: 'host', network: 'open' } });
    expect(report.checks.map(({ rule }) => rule)).toEqual(
      expect.arrayContaining(['receipt.deterministic', 'shutdown.exit-code', 'case:basic.yaml#a text is answered', 'case:basic.yaml#a number is refused']),
    );
    const [json, junit] = readdirSync(join(folder, 'reports')).sort();
    expect(readdirSync(join(folder, 'reports'))).toHaveLength(2);
    expect(acceptanceReportSchema.parse(JSON.parse(readFileSync(join(folder, 'reports', json as string), 'utf8')))).toEqual(report);
    expect(readFileSync(join(folder, 'reports', junit as string), 'utf8')).toContain(`tests="${report.checks.length}" failures="0"`);
  });

  it('rejects a processor that breaks a rule, names it and keeps the log', async () => {
    const report = await acceptImage(await optionsFor('run.ref'));
    expect(report.verdict).toBe('rejected');
    expect(failedIn(report)).toEqual(['run.ref']);
    expect(readFileSync(join(folder, report.log as string), 'utf8')).toContain('"event":"run.started"');
    expect(summaryText(report)).toMatch(/failed:\n {2}run\.ref {2}expected meta\.ref to be test\/reference@1, got somebody\/else@1/);
  });

  it('rejects a processor whose own case fails, and names the case and all that differs', async () => {
    writeFileSync(
      join(folder, 'acceptance/other.yaml'),
      'cases:\n  - name: says no\n    params: { text: hi }\n    expect: { http: 201, outputs: [{ path: text/answer.txt, text: no }, { path: gone.txt }] }\n',
    );
    const report = await acceptImage(await optionsFor(null));
    expect(failedIn(report)).toEqual(['case:other.yaml#says no']);
    const [check] = report.checks.filter(({ outcome }) => outcome === 'failed');
    expect(check?.message).toBe('expected HTTP 201, got 200; text/answer.txt is an answer, not no; gone.txt is not there; there are more outputs: data.json');
  });

  it('refuses a malformed case before it starts anything', async () => {
    writeFileSync(join(folder, 'acceptance/bad.yaml'), 'cases:\n  - name: x\n');
    await expect(acceptImage(await optionsFor(null))).rejects.toThrow(/ERR_ACCEPTANCE_CASE_INVALID: .*bad\.yaml:2:/);
    expect(existsSync(join(folder, 'cache'))).toBe(false);
  });

  it('refuses an index that is pinned for a platform, and takes it from a build', async () => {
    const image = await imageOf(program, null);
    const index = indexOf([image]);
    const wishes = { source: sourceOf({ platforms: [image], index }), digest: index.descriptor.digest };
    await expect(acceptImage(await optionsFor(null, { ...wishes, pinned: true }))).rejects.toThrow(/ERR_PIN_UNVERIFIED: [0-9a-f]{12} is an index, .*linux/);
    expect(existsSync(join(folder, 'reports'))).toBe(false);
    expect((await acceptImage(await optionsFor(null, wishes))).digest).toBe(image.descriptor.digest);
  });

  it('refuses an open network in a lane that demands a blocked one, even where a runtime claims better', async () => {
    const { name: _, ...rest } = hostRuntime;
    const boaster: Runtime = { ...rest, name: 'bubblewrap' };
    const options = await optionsFor(null, { lane: 'staging', runtime: 'auto', runtimes: [boaster] });
    await expect(acceptImage(options)).rejects.toThrow(/ERR_EGRESS_OPEN: lane staging demands a blocked network: it reached a canary/);
    expect(existsSync(join(folder, 'reports'))).toBe(false);
  });

  it('stops when it is interrupted, and leaves no report', async () => {
    const controller = new AbortController();
    const options = await optionsFor(null, { signal: controller.signal, progress: () => controller.abort() });
    await expect(acceptImage(options)).rejects.toThrow(/ERR_CANCELLED/);
    expect(existsSync(join(folder, 'reports'))).toBe(false);
  });

  describe('that is interrupted', () => {
    const never = () => new Promise<never>(() => undefined);
    const held = (wait: () => Promise<never>, which: (blob: { readonly mediaType: string }) => boolean = () => true, source?: AcceptOptions['source']) =>
      async function* (blob: Parameters<AcceptOptions['source']['openBlob']>[0]): AsyncGenerator<Uint8Array, void, void> {
        if (which(blob as unknown as { readonly mediaType: string })) await wait();
        yield* source!.openBlob(blob);
      };
    const holds: [string, (options: AcceptOptions) => Partial<AcceptOptions>][] = [
      ['a manifest never comes', ({ source }) => ({ source: { ...source, readManifest: never } })],
      ['a config never comes', ({ source }) => ({ source: { ...source, openBlob: held(never) } })],
      ['a layer never comes', ({ source }) => ({ source: { ...source, openBlob: held(never, (blob) => blob.mediaType.includes('layer'), source) } })],
      ['no runtime says whether it is there', () => ({ runtime: 'auto', runtimes: [{ ...hostRuntime, name: 'bubblewrap', availability: never }] })],
    ];

    it.each(holds)('ends while %s, and leaves nothing', async (_, hold) => {
      const controller = new AbortController();
      const workDir = temporaryFolder('work');
      const options = await optionsFor(null, { signal: controller.signal, workDir });
      const work = acceptImage({ ...options, ...hold(options) });
      setTimeout(() => controller.abort(), 300);
      await expect(work).rejects.toThrow(/ERR_CANCELLED/);
      expect([readdirSync(workDir), existsSync(join(folder, 'reports'))]).toEqual([[], false]);
      expect(existsSync(join(folder, 'cache')) ? readdirSync(join(folder, 'cache')) : []).toEqual([]);
    });
  });

  it('rejects an image that does not become healthy, by the name of the rule, and keeps the end of its log', async () => {
    await acceptImage(await optionsFor(null));
    const image = await imageOf('console.error("cannot find my heart"); process.exit(9);', null);
    const report = await acceptImage(await optionsFor(null, { source: sourceOf({ platforms: [image] }), digest: image.descriptor.digest }));
    const { verdict, checks, isolation, log } = report;
    expect(summaryText(report)).toMatch(/^rejected .*\n {2}did not become healthy in \w+, so its isolation was not measured$/m);
    expect({ verdict, network: isolation.network, passed: checks.filter(({ outcome }) => outcome === 'passed') }).toEqual({
      verdict: 'rejected',
      network: 'open',
      passed: [],
    });
    expect(checks.filter(({ outcome }) => outcome === 'failed')).toEqual([
      expect.objectContaining({ rule: 'healthz.ok', message: expect.stringContaining('cannot find my heart') }),
    ]);
    const kept = readdirSync(join(folder, 'reports')).sort();
    expect(kept.map((name) => name.replace(/^[^.]*/, ''))).toEqual(['.json', '.junit.xml', '.log']);
    expect(log).toMatch(/\.log$/);
    expect(readFileSync(join(folder, 'reports', kept[2] as string), 'utf8')).toContain('cannot find my heart');
  });
});

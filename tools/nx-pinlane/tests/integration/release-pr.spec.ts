import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { DriftReport, PinlaneError, Release } from '@pinlane/contracts';
import { errorOf, inSyncEntry, lackOf, requirement } from '@pinlane/testing';
import { startGitHubStandIn, type GitHubStandIn } from '@pinlane/testing/github';
import { reportName } from '../../src/deploy/drift-history.ts';
import { releasePr } from '../../src/verbs/release-pr/release-pr.ts';
import { verb } from '../../src/verbs/release-pr/verb.ts';
import { makeDockerRegistry, type DockerRegistry } from './support/docker-registry.ts';
import { FILE, FOLDER, git, promotedWorlds, put, type PromotedWorld } from './support/promoted-world.ts';

const TOKEN = 'ghs_canaryCanaryCanary42';
const FAR = { at: '2020-01-01T00:00:00.000Z' };

const part = lackOf('registry') === null ? 'github-api' : 'registry';
requirement(
  part,
  lackOf(part),
  describe,
)('the pull request of a release', () => {
  let registry: DockerRegistry;
  let github: GitHubStandIn;
  let told: string[];
  beforeAll(async () => {
    [registry, github] = [await makeDockerRegistry(), await startGitHubStandIn({ owner: 'acme', name: 'processors', token: TOKEN })];
  });
  beforeEach(() => {
    github.reset();
    told = [];
  });
  afterAll(async () => {
    await registry.close();
    await github.close();
  });
  const worlds = promotedWorlds(() => registry);

  const environment = (token: string | undefined = TOKEN) => ({
    ...{ PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', GITHUB_REPOSITORY: 'acme/processors', GITHUB_API_URL: github.api },
    ...(token === '' ? {} : { GITHUB_TOKEN: token }),
  });
  /** Runs the verb; whatever it tells, by whichever way, holds no token. */
  const release = async (root: string, options: Record<string, unknown> = {}, env: Record<string, string | undefined> = environment()) => {
    const { data, error } = verb.parse(options);
    if (error) throw error;
    const tell = (line: string): void => void told.push(line);
    const context = { ...worlds.contextIn(root), env, note: tell, progress: tell };
    try {
      const outcome = await releasePr(data as Parameters<typeof releasePr>[0], context, async () => undefined);
      told.push(JSON.stringify(outcome));
      expect(verb.document[0]!.safeParse(outcome.document).error).toBeUndefined();
      return { document: outcome.document as Release, exitCode: outcome.exitCode, lines: outcome.lines.join('\n') };
    } catch (thrown) {
      told.push(String(thrown), JSON.stringify(thrown), String((thrown as Error).cause ?? ''));
      throw thrown;
    } finally {
      expect(told.join('\n')).not.toContain(TOKEN);
    }
  };
  const refusal = async (root: string, ...rest: [] | [Record<string, unknown>] | [Record<string, unknown>, Record<string, string | undefined>]) => {
    const { problems, exitCode } = (await errorOf(() => release(root, ...rest))) as PinlaneError;
    return { exitCode, codes: [...new Set(problems.map(({ code }) => code))], said: problems.map(({ message }) => message).join('\n') };
  };
  const written = (): string[] => github.requests.filter(({ method }) => method !== 'get').map(({ method, path }) => `${method} ${path}`);

  const driftIn = (root: string, revision: string, more: Partial<DriftReport> = {}): void => {
    const report: DriftReport = {
      ...{ kind: 'DriftReport', schemaVersion: 1, at: new Date().toISOString(), lane: 'staging', adapter: 'modal', environment: 'staging', revision },
      ...{ verdict: 'in-sync', live: false, deep: false, entries: [inSyncEntry('acme/one@1', { environment: 'staging' })] },
      ...more,
    };
    put(root, `.pinlane/reports/drift/staging/${reportName(report)}`, JSON.stringify(report));
  };
  const green = (commit: string): void => void github.checks.set(commit, { runs: [{ workflow: 1, conclusion: 'success' }] });

  type Ready = Awaited<ReturnType<typeof worlds.promoted>> & { readonly source: string };
  /** Staging has pinned, accepted and deployed, its pipeline has ended well, and its tip is checked out. */
  const ready = async (drift: Partial<DriftReport> = {}): Promise<Ready> => {
    const world = await worlds.promoted();
    git(world.root, 'checkout', '--quiet', '--detach', 'origin/staging');
    const source = git(world.root, 'rev-parse', `${world.pin}^`);
    github.tips.set('staging', world.pin);
    green(source);
    driftIn(world.root, world.pin, drift);
    return { ...world, source };
  };

  it('is opened with all that a reviewer needs, found again, and brought up to date', async () => {
    const { root, pin, source, image } = await ready();
    const first = await release(root);
    expect(first).toMatchObject({
      exitCode: 0,
      document: { outcome: 'opened', pullRequest: { number: 1 }, staging: { commit: pin }, main: { commit: source }, commits: 1 },
    });
    expect(github.pulls).toMatchObject([{ title: `Promote staging → main @ ${pin.slice(0, 12)}`, base: 'main', head: { ref: 'staging' } }]);
    const body = github.pulls[0]!.body!;
    for (const part of [image.amd64, image.arm64, image.index]) expect(body).toContain(part.descriptor.digest.slice(7, 19));
    expect(body.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))).toMatch(
      /https:\/\/ci\.example\/runs\/1[^]*acme-one-v1[^]*main on modal[^]*staging-pipeline\.yml[^]*Drift on modal[^]*\(pins\)/,
    );
    expect(await release(root)).toMatchObject({ document: { outcome: 'there', pullRequest: { number: 1 } } });
    // Another source is pushed, pinned, accepted and deployed.
    put(root, `${FOLDER}/a`, 'two');
    git(root, 'commit', '--quiet', '-am', 'fixes #1, @octocat | <b>');
    git(root, 'push', '--quiet', 'origin', 'HEAD:staging');
    const [pushed, world] = [git(root, 'rev-parse', 'HEAD'), { root, remote: '', repository: first.document.changes[0]!.after['image.index']!.split('@')[0]! }];
    const next = await worlds.build(world);
    const again = await worlds.stage(world, next);
    git(root, 'checkout', '--quiet', '--detach', 'origin/staging');
    await worlds.accept(world, next);
    github.tips.set('staging', again);
    green(pushed);
    driftIn(root, again);
    expect(await release(root)).toMatchObject({ document: { outcome: 'updated', pullRequest: { number: 1 }, commits: 3 } });
    expect(github.pulls).toMatchObject([{ title: `Promote staging → main @ ${again.slice(0, 12)}` }]);
    expect(github.pulls[0]!.body).toContain('<code>fixes &#35;1&#44; &#64;octocat &#124; &#60;b&#62;</code> by <code>a</code>');
    expect(written()).toEqual(['post /repos/acme/processors/pulls', 'patch /repos/acme/processors/pulls/1']);
  });

  it('is printed and not opened with --dryRun', async () => {
    const { root, pin } = await ready();
    const { lines, document, exitCode } = await release(root, { dryRun: true });
    expect([exitCode, document.outcome, written()]).toEqual([0, 'would-open', []]);
    expect(lines).toContain(`Promote staging → main @ ${pin.slice(0, 12)}, would be opened`);
    expect(lines).toContain('### Evidence');
  });

  it.each<[string, string, RegExp]>([
    ['there is no token', '', /there is no token to ask GitHub with/],
    ['the organisation forbids it', TOKEN, /GitHub says: 403: GitHub Actions is not permitted/],
  ])('is a link, filled in, where %s', async (_, token, why) => {
    const { root, pin } = await ready();
    const body = { message: 'GitHub Actions is not permitted to create or approve pull requests.', documentation_url: 'x', status: '403' };
    github.faults.push({ method: 'post', status: 403, body });
    const output = join(root, '.pinlane/output');
    const { document, lines, exitCode } = await release(root, {}, { ...environment(token), GITHUB_OUTPUT: output });
    expect([exitCode, document.outcome, document.reason]).toEqual([0, 'link', expect.stringMatching(why)]);
    const url = new URL(document.link!);
    expect([url.origin, url.pathname]).toEqual(['https://github.com', '/acme/processors/compare/main...staging']);
    expect(url.searchParams.get('title')).toBe(`Promote staging → main @ ${pin.slice(0, 12)}`);
    expect(url.searchParams.get('body')).toContain('### Pins that change');
    expect(lines).toContain(`open it here: ${document.link}`);
    expect(readFileSync(output, 'utf8')).toContain(`link=${document.link}`);
    if (token === '') expect([github.requests, document.body]).toEqual([[], expect.stringContaining('was not asked about, because there was no token')]);
  });

  it('is not needed where main has all of it', async () => {
    const { root, pin } = await ready();
    git(root, 'push', '--quiet', 'origin', `${pin}:main`);
    expect(await release(root)).toMatchObject({ exitCode: 0, document: { outcome: 'nothing' }, lines: expect.stringContaining('nothing to promote') });
    // Nor where a squash brought it.
    git(root, 'checkout', '--quiet', '--detach', `${pin}^`);
    git(root, 'merge', '--quiet', '--squash', pin);
    git(root, 'commit', '--quiet', '-m', 'squashed');
    git(root, 'push', '--quiet', '--force', 'origin', 'HEAD:main');
    git(root, 'checkout', '--quiet', '--detach', pin);
    expect(await release(root)).toMatchObject({ document: { outcome: 'nothing', pullRequest: null } });
    expect(github.requests).toEqual([]);
  });

  const drifted: Partial<DriftReport> = { verdict: 'drift', entries: [{ ...inSyncEntry('acme/one@1', { environment: 'staging' }), verdict: 'missing' }] };
  it.each<[string, string[], 1 | 2, RegExp, (world: Ready) => void, Partial<DriftReport>]>([
    [
      'its pipeline failed',
      ['ERR_RELEASE_NOT_GREEN'],
      2,
      /staging-pipeline.yml did not succeed/,
      ({ source }) => void github.checks.set(source, { runs: [{ workflow: 1, conclusion: 'failure' }] }),
      {},
    ],
    [
      'it still runs',
      ['ERR_RELEASE_NOT_GREEN'],
      2,
      /still runs/,
      ({ source }) => void github.checks.set(source, { runs: [{ workflow: 1, status: 'in_progress', conclusion: null }] }),
      {},
    ],
    ['it never ran', ['ERR_RELEASE_NOT_GREEN'], 2, /no check has succeeded/, () => github.checks.clear(), {}],
    [
      'the pin commit has a check that failed',
      ['ERR_RELEASE_NOT_GREEN'],
      2,
      /a scan did not succeed/,
      ({ pin }) => void github.checks.set(pin, { checks: [{ name: 'a scan', conclusion: 'failure' }] }),
      {},
    ],
    ['something else runs there', ['ERR_RELEASE_NOT_IN_SYNC'], 2, /acme-one-v1 is missing/, () => undefined, drifted],
    ['drift could not be told', ['ERR_RELEASE_UNKNOWN'], 1, /could not be told/, () => undefined, { verdict: 'unknown' }],
    ['drift was told of another commit', ['ERR_RELEASE_UNKNOWN'], 1, /the newest is of 1{12}/, () => undefined, { revision: '1'.repeat(40) }],
    ['drift was told long ago', ['ERR_RELEASE_UNKNOWN'], 1, /of the last day/, () => undefined, FAR],
    [
      'the token may not read checks',
      ['ERR_GITHUB_DENIED'],
      1,
      /403: Resource not accessible/,
      () => void github.faults.push({ path: /actions/, status: 403, body: { message: 'Resource not accessible by integration' } }),
      {},
    ],
    [
      'the token is none',
      ['ERR_GITHUB_DENIED'],
      1,
      /401: Bad credentials/,
      () => void github.faults.push({ status: 401, body: { message: 'Bad credentials' } }),
      {},
    ],
    ['GitHub is down', ['ERR_GITHUB_UNAVAILABLE'], 1, /503/, () => void github.faults.push({ status: 503, body: '<html>', times: 99 }), {}],
    [
      'all of it is wrong at once',
      ['ERR_NOT_PROMOTED', 'ERR_PIN_STALE', 'ERR_RELEASE_NOT_GREEN', 'ERR_RELEASE_NOT_IN_SYNC'],
      2,
      /other pins than commit[^]*no check has succeeded[^]*is missing/,
      ({ root }) => {
        github.checks.clear();
        put(
          root,
          FILE,
          readFileSync(join(root, FILE), 'utf8').replace(/[0-9a-f]{40}(?="? *\}?\n)/, () => '1'.repeat(40)),
        );
        put(root, `${FOLDER}/a`, 'edited');
      },
      drifted,
    ],
  ])('is refused where %s', async (_, codes, exitCode, said, change, drift) => {
    const world = await ready(drift);
    change(world);
    const found = await refusal(world.root);
    expect(found).toEqual({ exitCode, codes: expect.arrayContaining(codes), said: expect.stringMatching(said) });
    expect(written()).toEqual([]);
  });

  it.each<[string, 'main' | 'dev' | null]>([
    ['no evidence', null],
    ['evidence of another lane', 'dev'],
  ])('is refused where a digest has %s', async (_, lane) => {
    const world: PromotedWorld = worlds.makeWorld();
    const image = await worlds.build(world);
    const pin = await worlds.stage(world, image);
    if (lane !== null) await worlds.accept(world, image, { lane });
    git(world.root, 'checkout', '--quiet', '--detach', 'origin/staging');
    green(git(world.root, 'rev-parse', `${pin}^`));
    driftIn(world.root, pin);
    expect(await refusal(world.root)).toMatchObject({
      exitCode: 2,
      codes: ['ERR_EVIDENCE_MISSING'],
      said: expect.stringMatching(/linux\/amd64[^]*linux\/arm64/),
    });
    expect(written()).toEqual([]);
  });

  it('is of the tip that is checked out, and of no other commit', async () => {
    const { root, pin } = await ready();
    git(root, 'checkout', '--quiet', '--detach', `${pin}^`);
    expect(await refusal(root)).toMatchObject({ codes: ['ERR_RELEASE_OUTDATED'], exitCode: 1 });
    git(root, 'checkout', '--quiet', '--detach', pin);
    // Staging moves while the pull request is opened.
    github.tips.set('staging', '7'.repeat(40));
    expect(await refusal(root)).toMatchObject({ codes: ['ERR_RELEASE_OUTDATED'], said: expect.stringContaining('moved on to 777777777777') });
  });

  it('leaves alone what a person opened from staging to main', async () => {
    const { root } = await ready();
    github.pulls.push({ number: 1, title: 'my own', body: 'words', state: 'open', head: { ref: 'staging', owner: 'acme' }, base: 'main' });
    expect(await refusal(root)).toMatchObject({ codes: ['ERR_RELEASE_FOREIGN'], exitCode: 1 });
    expect(github.pulls).toMatchObject([{ title: 'my own', body: 'words' }]);
    expect(written()).toEqual([]);
  });

  it('is opened once where the answer was lost', async () => {
    const { root } = await ready();
    github.faults.push({ method: 'post', status: 502, body: '<html>', takesEffect: true });
    expect(await release(root)).toMatchObject({ document: { outcome: 'opened', pullRequest: { number: 1 } } });
    expect(github.pulls).toHaveLength(1);
  });

  it.each(['--upload-pack=x', 'a..b', 'a b', '-x', 'a/', '$(id)', 'a\nb', ''])('is of no branch that is called %j', (staging) => {
    expect(verb.parse({ staging }).success).toBe(false);
    expect(verb.parse({ main: staging }).success).toBe(false);
  });

  it('is not to be told of a branch that is not there, or a remote that is no repository at GitHub', async () => {
    const { root } = await ready();
    expect(await refusal(root, { main: 'gone' })).toMatchObject({ codes: ['ERR_RELEASE_UNKNOWN'], said: 'the remote has no branch gone' });
    expect(await refusal(root, {}, { ...environment(), GITHUB_REPOSITORY: undefined })).toMatchObject({ codes: ['ERR_OPTION_INVALID'] });
    expect(github.requests).toEqual([]);
  });
});

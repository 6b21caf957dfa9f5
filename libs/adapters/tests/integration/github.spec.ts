import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ErrorCode } from '@pinlane/contracts';
import { errorOf, lackOf, requirement } from '@pinlane/testing';
import { startGitHubStandIn, type GitHubFault, type GitHubStandIn } from '@pinlane/testing/github';
import { checksOf, githubPlace, openClient, putPull } from '../../src/index.ts';

const TOKEN = 'ghs_canaryCanaryCanary42';
const REPOSITORY = { owner: 'acme', name: 'processors' };
const HEAD = 'a'.repeat(40);
const WANTED = { head: 'staging', base: 'main', title: 'Promote staging → main @ aaaaaaaaaaaa', body: 'pins\n' };
const PULLS = /\/pulls$/;

const described = requirement('github-api', lackOf('github-api'), describe);
let github: GitHubStandIn;
let waited: number[];
beforeAll(async () => {
  if (lackOf('github-api') === null) github = await startGitHubStandIn({ ...REPOSITORY, token: TOKEN });
});
beforeEach(() => {
  if (lackOf('github-api') !== null) return;
  github.reset();
  github.tips.set('staging', HEAD);
  waited = [];
});
afterAll(() => github?.close());

const clientWith = (token = TOKEN, place = REPOSITORY, signal = new AbortController().signal) =>
  openClient({ place: { api: github.api, ...place }, token, signal, wait: async (ms) => void waited.push(ms) });
const put = (client = clientWith(), isOurs = () => true, wanted = WANTED) => putPull(client, wanted, isOurs);
const sent = (): string[] => github.requests.map(({ method, path }) => `${method} ${path.replace('/repos/acme/processors', '')}`);
const answer = (status: number, message: string, more: Partial<GitHubFault> = {}): GitHubFault => ({ status, body: { message }, ...more });

described('a pull request', () => {
  it('is opened, found again, and brought up to date', async () => {
    expect(await put()).toMatchObject({ outcome: 'opened', pull: { number: 1, head: { sha: HEAD } } });
    expect(await put()).toMatchObject({ outcome: 'there', pull: { number: 1 } });
    expect(await put(clientWith(), () => true, { ...WANTED, body: 'other pins' })).toMatchObject({
      outcome: 'updated',
      pull: { number: 1, body: 'other pins' },
    });
    expect(github.pulls).toMatchObject([{ number: 1, title: WANTED.title, body: 'other pins', base: 'main' }]);
    expect(sent()).toEqual(['get /pulls', 'post /pulls', 'get /pulls', 'get /pulls', 'patch /pulls/1']);
  });

  it('is not mixed up with one of another branch, of a fork, to another branch, or that is closed', async () => {
    const other = { number: 1, title: 'mine', body: null, state: 'open', head: { ref: 'staging', owner: 'acme' }, base: 'main' } as const;
    github.pulls.push(
      { ...other, number: 1, head: { ref: 'staging-2', owner: 'acme' } },
      { ...other, number: 2, head: { ref: 'staging', owner: 'mallory' } },
      { ...other, number: 3, base: 'dev' },
      { ...other, number: 4, state: 'closed' },
    );
    expect(await put()).toMatchObject({ outcome: 'opened', pull: { number: 5 } });
    expect(github.pulls.slice(0, 4).map(({ title }) => title)).toEqual(['mine', 'mine', 'mine', 'mine']);
  });

  it('that is not ours is left as it is', async () => {
    github.pulls.push({ number: 1, title: 'mine', body: 'mine', state: 'open', head: { ref: 'staging', owner: 'acme' }, base: 'main' });
    expect(await put(clientWith(), () => false)).toMatchObject({ outcome: 'foreign', pull: { number: 1 } });
    expect(github.pulls).toMatchObject([{ title: 'mine', body: 'mine' }]);
  });

  it.each<[string, GitHubFault]>([
    ['an answer that was lost', { method: 'post', status: 201, body: null, takesEffect: true }],
    ['a gateway that gave up', { method: 'post', status: 504, body: '<html>Gateway Time-out</html>', takesEffect: true }],
  ])('that was opened with %s is recognised, and not opened twice', async (_, fault) => {
    github.faults.push(fault);
    expect(await put()).toMatchObject({ outcome: 'opened', pull: { number: 1 } });
    expect(github.pulls).toHaveLength(1);
  });

  it('that somebody opened meanwhile is brought up to date', async () => {
    github.pulls.push({ number: 1, title: 'Promote', body: '', state: 'open', head: { ref: 'staging', owner: 'acme' }, base: 'main' });
    github.faults.push({ method: 'get', path: PULLS, status: 200, body: [] });
    expect(await put()).toMatchObject({ outcome: 'updated', pull: { number: 1, title: WANTED.title } });
    expect(sent()).toEqual(['get /pulls', 'post /pulls', 'get /pulls', 'patch /pulls/1']);
  });

  it.each<[string, GitHubFault, number]>([
    ['a secondary limit that names its time', answer(403, 'You have exceeded a secondary rate limit.', { headers: { 'retry-after': '7' } }), 7_000],
    ['one that names none', answer(403, 'You have exceeded a secondary rate limit.'), 60_000],
    ['too many requests', answer(429, 'Too many', { headers: { 'retry-after': '1' } }), 1_000],
  ])('is opened after %s', async (_, fault, ms) => {
    github.faults.push({ ...fault, method: 'post' });
    expect(await put()).toMatchObject({ outcome: 'opened' });
    expect(waited).toEqual([ms]);
  });

  it.each([500, 502, 503])('is opened after %d twice', async (status) => {
    github.faults.push(answer(status, 'Server Error', { times: 2 }));
    expect(await put()).toMatchObject({ outcome: 'opened' });
    expect(waited).toHaveLength(2);
  });

  it('is told to be forbidden by the organisation, and nothing is tried again', async () => {
    github.faults.push(answer(403, 'GitHub Actions is not permitted to create or approve pull requests.', { method: 'post' }));
    expect(await put()).toMatchObject({ outcome: 'forbidden', said: expect.stringContaining('not permitted') });
    github.faults.push({ method: 'post', status: 422, body: { message: 'Validation Failed', errors: [{ message: 'No commits between main and staging' }] } });
    expect(await put()).toMatchObject({ outcome: 'nothing' });
    expect(waited).toEqual([]);
  });

  const now = Math.floor(Date.now() / 1000);
  it.each<[string, ErrorCode, GitHubFault, RegExp, number]>([
    ['a token that is none', 'ERR_GITHUB_DENIED', answer(401, 'Bad credentials'), /401: Bad credentials.*\nfix: .*not valid/, 1],
    [
      'a token that may not',
      'ERR_GITHUB_DENIED',
      answer(403, 'Resource not accessible by integration', { method: 'post' }),
      /permissions: pull-requests: write/,
      2,
    ],
    ['single sign-on', 'ERR_GITHUB_DENIED', answer(403, 'Resource protected by SSO', { headers: { 'x-github-sso': 'required; url=x' } }), /single sign-on/, 1],
    ['a repository nobody knows', 'ERR_GITHUB_DENIED', answer(404, 'Not Found'), /404: Not Found/, 1],
    ['a body it does not like', 'ERR_GITHUB_REFUSED', answer(422, 'Validation Failed: body is too long', { method: 'post' }), /body is too long/, 2],
    ['a repository that is gone for good', 'ERR_GITHUB_REFUSED', answer(451, 'Unavailable For Legal Reasons'), /Legal/, 1],
    ['errors without end', 'ERR_GITHUB_UNAVAILABLE', answer(503, 'Unavailable', { times: 99 }), /503: Unavailable/, 4],
    ['no answer without end', 'ERR_GITHUB_UNAVAILABLE', { status: 0, body: null, times: 99 }, /could not|open: /, 4],
    ['a limit without end', 'ERR_GITHUB_RATE_LIMITED', answer(403, 'secondary rate limit', { times: 99 }), /secondary rate limit/, 4],
    [
      'a limit that ends in an hour',
      'ERR_GITHUB_RATE_LIMITED',
      answer(403, 'API rate limit exceeded', { headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now + 3600) } }),
      /API rate limit exceeded/,
      1,
    ],
    ['a page of a proxy', 'ERR_GITHUB_ANSWER', { status: 200, body: '<html>Please log in</html>' }, /the pull requests that are open/, 1],
    ['a list that is none', 'ERR_GITHUB_ANSWER', { status: 200, body: {} }, /expected array/i, 1],
    ['a pull request without a number', 'ERR_GITHUB_ANSWER', { method: 'post', status: 201, body: { title: 'x' } }, /number/, 2],
    [
      'one that exists and is in no list',
      'ERR_GITHUB_ANSWER',
      answer(422, 'A pull request already exists for acme:staging.', { method: 'post', times: 99 }),
      /none in the list/,
      8,
    ],
    [
      'words with a command for the log',
      'ERR_GITHUB_REFUSED',
      answer(418, '\n::set-output name=a::b\u202e\u001b[31m'),
      /\\n\\?:\\?:set-output.*\\u\{202e\}\\x1b/,
      1,
    ],
    ['words that hold the token', 'ERR_GITHUB_REFUSED', answer(418, `token ${TOKEN} is odd`), /\[redacted\] is odd/, 1],
  ])('fails by name after %s', async (_, code, fault, said, requests) => {
    github.faults.push(fault);
    const error = await errorOf(() => put());
    expect(error.code).toBe(code);
    expect(error.message).toMatch(said);
    expect(error.message + JSON.stringify(error) + String(error.cause ?? '')).not.toContain(TOKEN);
    expect(github.requests).toHaveLength(requests);
    expect(github.pulls).toEqual([]);
  });

  it('is not asked for with a token that is wrong, nor of another repository', async () => {
    const error = await errorOf(() => put(clientWith('ghs_another')));
    expect(error.message).toContain('Bad credentials');
    expect(await errorOf(() => put(clientWith(TOKEN, { owner: 'acme', name: 'other' })))).toMatchObject({ code: 'ERR_GITHUB_DENIED' });
  });

  it('is waited for no longer than the command runs', async () => {
    const stop = new AbortController();
    stop.abort();
    expect(await errorOf(() => put(clientWith(TOKEN, REPOSITORY, stop.signal)))).toMatchObject({ code: 'ERR_CANCELLED' });
    expect(github.requests).toEqual([]);
  });

  it('is opened from branches with odd names as they are', async () => {
    const odd = { ...WANTED, head: 'a/b&c=d#e%2f', base: 'ma%69n?x=1' };
    expect(await put(clientWith(), () => true, odd)).toMatchObject({ outcome: 'opened' });
    expect(github.requests[0]?.query).toMatchObject({ head: 'acme:a/b&c=d#e%2f', base: 'ma%69n?x=1' });
    expect(github.pulls).toMatchObject([{ head: { ref: odd.head }, base: odd.base }]);
  });
});

described('the checks of a commit', () => {
  const asked = () => checksOf(clientWith(), HEAD, 'staging');

  it('are the newest run of each workflow of its push, those of other apps, and statuses', async () => {
    github.checks.set(HEAD, {
      runs: [
        { workflow: 1, conclusion: 'failure', number: 1 },
        { workflow: 1, conclusion: 'success', number: 2 },
        { workflow: 2, path: '.github/workflows/lint.yml@refs/heads/staging', status: 'in_progress', conclusion: null },
        { workflow: 3, conclusion: 'failure', event: 'pull_request' },
      ],
      checks: [
        { name: 'a scan', conclusion: 'neutral' },
        { name: 'a job of a pull request', conclusion: 'failure', app: 'github-actions' },
        { name: 'slow', status: 'queued', conclusion: null },
      ],
      statuses: [
        { context: 'ci/one', state: 'success' },
        { context: 'ci/two', state: 'pending' },
        { context: 'ci/three', state: 'error' },
      ],
    });
    expect((await asked()).map(({ name, state, said }) => [name, state, said])).toEqual([
      ['.github/workflows/staging-pipeline.yml', 'passed', 'success'],
      ['.github/workflows/lint.yml', 'running', 'in_progress'],
      ['a scan', 'skipped', 'neutral'],
      ['slow', 'running', 'queued'],
      ['ci/one', 'passed', 'success'],
      ['ci/two', 'running', 'pending'],
      ['ci/three', 'failed', 'error'],
    ]);
  });

  it('are read page by page, and told to be too many', async () => {
    const checksFor = (count: number) => Array.from({ length: count }, (_, at) => ({ name: `check ${at}`, conclusion: at === 101 ? 'failure' : 'success' }));
    github.checks.set(HEAD, { checks: checksFor(102) });
    expect((await asked()).at(-1)).toMatchObject({ name: 'check 101', state: 'failed' });
    github.checks.set(HEAD, { checks: checksFor(1001) });
    expect(await errorOf(asked)).toMatchObject({ code: 'ERR_GITHUB_ANSWER', message: expect.stringContaining('more than 1000') });
  });

  it.each(['action_required', 'cancelled', 'failure', 'timed_out', null])('did not succeed with %s', async (conclusion) => {
    github.checks.set(HEAD, { checks: [{ name: 'it', conclusion }] });
    expect(await asked()).toMatchObject([{ state: 'failed' }]);
  });
});

describe('the place of a repository', () => {
  it.each<[string, Record<string, string>, string | null, object]>([
    ['github.com', {}, 'github.com/acme/one', { server: 'https://github.com', api: 'https://api.github.com', owner: 'acme', name: 'one' }],
    ['its SSH by port 443', {}, 'ssh.github.com/acme/one', { owner: 'acme', name: 'one' }],
    ['a workflow', { GITHUB_REPOSITORY: 'Acme/Two', GITHUB_SERVER_URL: 'https://github.com' }, 'folder:123', { owner: 'Acme', name: 'Two' }],
    [
      'an Enterprise Server',
      { GITHUB_SERVER_URL: 'https://git.acme.example/' },
      'git.acme.example/a/b',
      { server: 'https://git.acme.example', api: 'https://git.acme.example/api/v3' },
    ],
    ['a tenant of ghe.com', { GITHUB_SERVER_URL: 'https://acme.ghe.com' }, 'acme.ghe.com/a/b', { api: 'https://api.acme.ghe.com' }],
    ['an API that is named', { GITHUB_API_URL: 'https://git.example/api/v3/' }, 'github.com/a/b', { api: 'https://git.example/api/v3' }],
    ['this machine', { GITHUB_API_URL: 'http://127.0.0.1:8080/x' }, 'github.com/a/b', { api: 'http://127.0.0.1:8080/x' }],
  ])('%s', (_, env, workspace, place) => {
    expect(githubPlace(env, workspace)).toMatchObject(place);
  });

  it.each<[string, Record<string, string>, string | null]>([
    ['plain HTTP', { GITHUB_API_URL: 'http://git.example' }, 'github.com/a/b'],
    ['a login in the address', { GITHUB_SERVER_URL: 'https://me:secret@github.com' }, 'github.com/a/b'],
    ['no address', { GITHUB_SERVER_URL: 'github.com' }, 'github.com/a/b'],
    ['a server that nobody named', {}, 'gitlab.com/a/b'],
    ['a server whose name begins like it', {}, 'github.com.evil.example/a/b'],
    ['a path with more parts', {}, 'github.com/a/b/c'],
    ['no remote', {}, null],
    ['dots', { GITHUB_REPOSITORY: 'a/..' }, null],
    ['a query', { GITHUB_REPOSITORY: 'a/b?x' }, null],
  ])('is none of %s', async (_, env, workspace) => {
    const error = await errorOf(async () => githubPlace(env, workspace));
    expect(error.code).toBe('ERR_OPTION_INVALID');
    expect(error.message).not.toContain('secret');
  });
});

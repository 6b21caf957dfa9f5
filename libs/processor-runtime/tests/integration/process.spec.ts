import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { build } from 'esbuild';
import { DIGEST } from '../harness.ts';

const REQUIRE = "import{createRequire}from'node:module';const require=createRequire(import.meta.url);";

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
};

// Real processes take many times as long to start on a busy machine.
const PATIENCE = 60_000;

describe('a bundled processor, as a process of its own', () => {
  jest.setTimeout(PATIENCE);
  let folder: string;
  let child: ChildProcess | undefined;
  let log = '';
  beforeAll(async () => {
    folder = temporaryFolder('process');
    await build({
      entryPoints: [join(import.meta.dirname, '../fixtures/main.ts')],
      outfile: join(folder, 'app/main.js'),
      bundle: true,
      minify: true,
      platform: 'node',
      format: 'esm',
      target: 'node22',
      legalComments: 'none',
      conditions: ['@pinlane/source'],
      banner: { js: REQUIRE },
    });
    // The projection in an image is canonical JSON, which is YAML too.
    await writeFile(join(folder, 'app/registry.yaml'), JSON.stringify({ ref: 'acme/echo@1', runtime: { timeout_s: 60 }, secrets: { optional: ['ACME_KEY'] } }));
    await mkdir(join(folder, 'artifacts'));
  });
  afterEach(() => void child?.kill('SIGKILL'));

  const start = async (env: Readonly<Record<string, string>> = {}) => {
    const port = await freePort();
    log = '';
    const started = spawn(process.execPath, [join(folder, 'app/main.js')], {
      cwd: '/',
      env: { IMAGE_DIGEST: DIGEST, ARTIFACTS_ROOT: join(folder, 'artifacts'), PORT: String(port), ACME_KEY: 'canary-value', PINLANE_ENV: 'pr', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = started;
    started.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
    let stdout = '';
    started.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    const exited = once(started, 'exit') as Promise<[number | null, string | null]>;
    const saying = async (event: string): Promise<void> => {
      while (!log.includes(`"event":"${event}"`)) await Promise.race([once(started.stderr, 'data'), exited]);
    };
    return { started, exited, saying, url: `http://127.0.0.1:${port}`, stdout: () => stdout };
  };
  const run = (url: string, params: Readonly<Record<string, unknown>>, id = 'run-1') =>
    fetch(`${url}/run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ schema: 'v1', execution_id: id, ref: 'acme/echo@1', inputs: { schema: 'v1', params }, write_prefix: 'out/{execution_id}' }),
    });

  it('finishes what it runs at SIGTERM, refuses what is new, and exits with 0', async () => {
    const { started, exited, saying, url } = await start();
    await saying('service.started');
    const until = join(folder, 'go-on');
    const first = run(url, { until });
    await saying('run.started');
    started.kill('SIGTERM');
    await saying('service.stopping');
    const refused = await run(url, {}, 'late');
    expect(refused.status).toBe(503);
    expect(((await refused.json()) as { error: { code: string } }).error.code).toBe('ERR_BUSY');
    started.kill('SIGTERM');
    await writeFile(until, '');
    expect((await first).status).toBe(200);
    expect(await exited).toEqual([0, null]);
    expect(await readFile(join(folder, 'artifacts/out/run-1/outputs/done.txt'), 'utf8')).toBe('done');
  });

  it('turns all that is printed into redacted lines of the log, and survives a rejection that nobody handles', async () => {
    const { started, exited, saying, url, stdout } = await start();
    await saying('service.started');
    expect((await run(url, {}, 'run-2')).status).toBe(200);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    started.kill('SIGINT');
    expect(await exited).toEqual([0, null]);
    const lines = log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.find(({ event }) => event === 'console')).toMatchObject({ env: 'pr', message: 'a library says [REDACTED]' });
    expect(lines.map(({ event }) => event)).toEqual(expect.arrayContaining(['process.warning', 'process.unhandled', 'service.stopped']));
    expect(log).not.toContain('canary-value');
    expect(stdout()).toBe('');
  });

  it.each([
    ['a port that is none', { PORT: 'http' }, 'PORT is not a port: http'],
    ['a spec that is not there', { PINLANE_SPEC: '/nowhere/registry.yaml' }, 'cannot read the spec /nowhere/registry.yaml'],
  ])('exits with 1 and one line of JSON for %s', async (_, env, message) => {
    const { exited } = await start(env);
    expect(await exited).toEqual([1, null]);
    expect((JSON.parse(log) as { error: string }).error).toContain(message);
  });

  it('says at /healthz that it lacks its digest, rather than claim one', async () => {
    const { saying, url } = await start({ IMAGE_DIGEST: 'latest' });
    await saying('service.started');
    const health = await fetch(`${url}/healthz`);
    expect(health.status).toBe(500);
    expect(await health.json()).toMatchObject({ status: 'error', error: { code: 'ERR_IMAGE_DIGEST_MISSING' } });
  });
});

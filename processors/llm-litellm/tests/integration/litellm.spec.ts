import { spawn, type ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testProcessor, type TestProcessor } from '@pinlane/processor-runtime/testing';
import { lackOf, requirement, temporaryFolder } from '@pinlane/testing';
import { processor } from '../../src/processor.ts';

const KEY = 'sk-canary-proxy-0123456789';
const registry = join(import.meta.dirname, '../../registry.yaml');

// LiteLLM itself answers with `mock_response`, so the whole proxy is real, and no provider is asked.
const CONFIG = `
model_list:
  - model_name: gpt-4o-mini
    litellm_params: { model: openai/gpt-4o-mini, api_key: unused, mock_response: Paris it is. }
  - model_name: throttled
    litellm_params: { model: openai/gpt-4o, api_key: unused, mock_response: litellm.RateLimitError }
general_settings: { master_key: ${KEY} }
litellm_settings: { num_retries: 0, telemetry: false }
`;

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );

/** Starts the proxy. Resolves when it answers. */
const startProxy = async (folder: string): Promise<{ readonly child: ChildProcess; readonly origin: string }> => {
  await writeFile(join(folder, 'config.yaml'), CONFIG);
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  // Without this it downloads its list of prices.
  const env = { ...process.env, LITELLM_LOCAL_MODEL_COST_MAP: 'True', HOME: folder };
  const child = spawn('litellm', ['--config', 'config.yaml', '--host', '127.0.0.1', '--port', String(port)], { cwd: folder, env, stdio: 'pipe' });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
  for (let look = 0; look < 600; look++) {
    if (await answers(`${origin}/health/liveliness`)) return { child, origin };
    if (child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill('SIGKILL');
  throw new Error(`litellm did not start: ${log.slice(-2000)}`);
};

requirement(
  'litellm',
  lackOf('litellm'),
  describe,
)('completions through a LiteLLM proxy', () => {
  let proxy: ChildProcess;
  let origin: string;
  beforeAll(async () => {
    ({ child: proxy, origin } = await startProxy(temporaryFolder('litellm')));
  }, 90_000);
  afterAll(async () => {
    const ended = new Promise((resolve) => proxy.once('close', resolve));
    proxy.kill();
    await ended;
  });

  const run = async (params: object, { stream = false, key = KEY } = {}) => {
    const served: TestProcessor = await testProcessor(processor, { registry, env: { OPENAI_API_KEY: key, LITELLM_API_BASE: `${origin}/v1` } });
    try {
      const done = await served.run({ messages: [{ role: 'user', content: 'Where?' }], ...params }, { mode: 'real', stream });
      const text = done.envelope.status === 'success' ? await done.text('text/response.txt') : '';
      expect(served.log()).not.toContain(key);
      expect(JSON.stringify(done.envelope)).not.toContain(key);
      return { ...done, answer: text };
    } finally {
      await served.stop();
    }
  };

  it('are written, with the tokens that the proxy counted', async () => {
    const { status, answer, envelope } = await run({});
    expect([status, answer]).toEqual([200, 'Paris it is.']);
    expect(envelope.meta).toMatchObject({ usage: { total_tokens: expect.any(Number) } });
  });

  it('are streamed piece by piece', async () => {
    const { progress, answer, envelope } = await run({}, { stream: true });
    const pieces = progress.map((each) => (each as { delta: string }).delta);
    expect(pieces.length).toBeGreaterThan(1);
    expect([pieces.join(''), answer]).toEqual(['Paris it is.', 'Paris it is.']);
    expect(envelope).toMatchObject({ status: 'success', meta: { usage: { total_tokens: expect.any(Number) } } });
  });

  it.each([
    ['a model that the proxy does not have', { model: 'nobody/knows-it' }, {}],
    ['a key that is not the proxy’s', {}, { key: 'sk-canary-stranger-9876543210' }],
    ['a provider that has had enough', { model: 'throttled' }, {}],
  ])('fail with what the proxy says: %s', async (_title, params, options) => {
    const { envelope } = await run(params, options);
    expect(envelope).toMatchObject({ status: 'error', error: { code: 'ERR_PROVIDER', message: expect.stringMatching(/answered 4\d\d: ./) } });
  });
});

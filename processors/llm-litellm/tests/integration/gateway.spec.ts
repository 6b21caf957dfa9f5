import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { testProcessor, type TestProcessor } from '@pinlane/processor-runtime/testing';
import { processor } from '../../src/processor.ts';

const CANARY = 'sk-canary-0123456789';
const registry = join(import.meta.dirname, '../../registry.yaml');
const params = { messages: [{ role: 'user', content: 'Hello' }], temperature: 0 };
const completion = JSON.stringify({
  model: 'gpt-4o-mini-x',
  choices: [{ message: { content: 'Hi there' }, finish_reason: 'stop' }],
  usage: { total_tokens: 7 },
});
const piece = (content: string, finish: string | null = null): string =>
  `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: finish }] })}\n\n`;

interface Asked {
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

describe('completions through a gateway', () => {
  let gateway: Server;
  let served: TestProcessor;
  let asked: Asked[] = [];
  let answer: (response: ServerResponse, n: number) => void;

  const serve = async (spec: Parameters<typeof testProcessor>[1]['spec'] = {}) => {
    const base = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}/v1`;
    served = await testProcessor(processor, { registry, env: { OPENAI_API_KEY: CANARY, LITELLM_API_BASE: base }, spec });
  };
  const real = (stream = false) => served.run(params, { mode: 'real', stream });

  beforeEach(async () => {
    asked = [];
    gateway = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        asked.push({ url: request.url, headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown> });
        answer(response, asked.length);
      });
    });
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
    await serve();
  });
  afterEach(async () => {
    expect(served.log()).not.toContain(CANARY);
    await served.stop();
    gateway.closeAllConnections();
    await new Promise((resolve) => gateway.close(resolve));
  });

  it('sends the params as they are, with the key, and writes text and facts', async () => {
    answer = (response) => response.end(completion);
    const run = await real();
    expect(run.status).toBe(200);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ url: '/v1/chat/completions', headers: { authorization: `Bearer ${CANARY}` }, body: { ...params, model: 'gpt-4o-mini' } });
    expect(asked[0]?.body).not.toHaveProperty('stream');
    expect(await run.text('text/response.txt')).toBe('Hi there');
    expect(JSON.parse(await run.text('response.json'))).toMatchObject({ model: 'gpt-4o-mini-x', finish_reason: 'stop', usage: { total_tokens: 7 } });
    expect(run.envelope.meta).toMatchObject({ usage: { total_tokens: 7 } });
  });

  it('streams each piece as it comes, and writes the whole', async () => {
    answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(piece('Hi '));
      response.write(piece('there', 'stop'));
      response.end('data: {"choices":[],"usage":{"total_tokens":3}}\n\ndata: [DONE]\n\n');
    };
    const run = await real(true);
    expect(run.progress).toEqual([
      { phase: 'text', delta: 'Hi ' },
      { phase: 'text', delta: 'there' },
    ]);
    expect(asked[0]?.body).toMatchObject({ stream: true, stream_options: { include_usage: true } });
    expect(await run.text('text/response.txt')).toBe('Hi there');
    expect(run.envelope).toMatchObject({ status: 'success', meta: { usage: { total_tokens: 3 } } });
  });

  it('fails when a stream breaks off, is cut or tells of an error', async () => {
    const endings = [
      (response: ServerResponse) => response.end(),
      (response: ServerResponse) => response.destroy(),
      (response: ServerResponse) => response.end('data: {"error":{"message":"overloaded"}}\n\n'),
      (response: ServerResponse) => response.end('data: {oops\n\n'),
    ];
    for (const end of endings) {
      answer = (response) => response.write(piece('half'), () => end(response));
      expect((await real(true)).envelope).toMatchObject({ status: 'error', error: { code: 'ERR_PROVIDER' } });
    }
  });

  it('waits and asks again when it is told that there are too many requests', async () => {
    answer = (response, n) => (n === 1 ? response.writeHead(429, { 'retry-after': '0' }).end() : response.end(completion));
    expect((await real()).status).toBe(200);
    expect(asked).toHaveLength(2);
  });

  it('says what the gateway said when it fails, but not the key that the gateway repeats', async () => {
    answer = (response) => response.writeHead(401).end(`Incorrect API key provided: ${CANARY}`);
    const run = await real();
    expect(run.status).toBe(502);
    expect(run.envelope.error.code).toBe('ERR_PROVIDER');
    expect(run.envelope.error.message).toContain('answered 401: Incorrect API key provided: [REDACTED]');
    expect(JSON.stringify(run.envelope)).not.toContain(CANARY);
  });

  it.each([
    ['a server error', (response: ServerResponse) => response.writeHead(500).end('no')],
    ['HTML', (response: ServerResponse) => response.end('<html>')],
    ['no choices', (response: ServerResponse) => response.end('{}')],
    ['a closed connection', (response: ServerResponse) => response.destroy()],
  ])('answers ERR_PROVIDER to %s', async (_, fails) => {
    answer = fails;
    const run = await real();
    expect([run.status, run.envelope.error.code]).toEqual([502, 'ERR_PROVIDER']);
  });

  it('gives up at the time limit, and hangs up on the gateway', async () => {
    const hungUp = new Promise((resolve) => (answer = (response) => response.on('close', resolve)));
    await served.stop();
    await serve({ timeoutMs: 3_000 });
    const run = await real();
    expect([run.status, run.envelope.error.code]).toEqual([504, 'ERR_TIMEOUT']);
    await hungUp;
  });

  it('asks nobody in mode mock, and streams what it writes', async () => {
    const run = await served.run(params, { stream: true });
    expect(run.progress.map(({ delta }) => delta).join('')).toBe('Mock answer of gpt-4o-mini: Hello');
    expect(await run.text('text/response.txt')).toBe('Mock answer of gpt-4o-mini: Hello');
    expect(asked).toEqual([]);
  });
});

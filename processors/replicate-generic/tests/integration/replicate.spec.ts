import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { testProcessor, type TestProcessor } from '@pinlane/processor-runtime/testing';
import { processor, realWith } from '../../src/processor.ts';

const CANARY = 'r8_canary_0123456789';
const registry = join(import.meta.dirname, '../../registry.yaml');
const params = { model: 'acme/painter', input: { prompt: 'a lane' } };

type Answer = (request: IncomingMessage, response: ServerResponse, n: number) => void;

describe('running a model on Replicate', () => {
  let api: Server;
  let base: string;
  let served: TestProcessor;
  let requests: string[] = [];
  let tokens: (string | undefined)[] = [];
  let answers: Record<string, Answer> = {};

  const say =
    (body: unknown, status = 200): Answer =>
    (_, response) =>
      response.writeHead(status).end(JSON.stringify(body));
  const prediction = (status: string, more: object = {}) => ({ id: 'p1', status, ...more });
  const serve = async (spec: Parameters<typeof testProcessor>[1]['spec'] = {}) => {
    const env = { REPLICATE_API_TOKEN: CANARY, REPLICATE_API_BASE: base };
    served = await testProcessor({ ...processor, real: realWith(1) }, { registry, env, spec });
  };
  const real = (stream = false) => served.run(params, { mode: 'real', stream });

  beforeEach(async () => {
    requests = [];
    tokens = [];
    answers = { 'POST /v1/models/acme/painter/predictions': say(prediction('starting'), 201), 'POST /v1/predictions/p1/cancel': say(prediction('canceled')) };
    api = createServer((request, response) => {
      const name = `${request.method} ${request.url}`;
      requests.push(name);
      tokens.push(request.headers.authorization);
      const answer = answers[name];
      if (answer) answer(request, response, requests.filter((one) => one === name).length);
      else response.writeHead(404).end('no such thing');
    });
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(api.address() as AddressInfo).port}/v1`;
    await serve();
  });
  afterEach(async () => {
    expect(served.log()).not.toContain(CANARY);
    await served.stop();
    api.closeAllConnections();
    await new Promise((resolve) => api.close(resolve));
  });

  it('creates a prediction, asks until it is over, and downloads its files', async () => {
    const root = new URL(base).origin;
    answers['GET /v1/predictions/p1'] = (request, response, n) =>
      say(n < 3 ? prediction('processing') : prediction('succeeded', { output: [`${root}/files/a.png`, `${root}/files/b`], metrics: { predict_time: 2 } }))(
        request,
        response,
        n,
      );
    answers['GET /files/a.png'] = (_, response) => response.writeHead(200, { 'content-type': 'image/png' }).end('png bytes');
    answers['GET /files/b'] = (_, response) => response.writeHead(200, { 'content-type': 'video/mp4' }).end('video bytes');
    const run = await real(true);
    expect(run.envelope.status).toBe('success');
    expect(run.envelope.outputs.map(({ path, mime }) => [path, mime])).toEqual([
      ['files/output-0.png', 'image/png'],
      ['files/output-1.mp4', 'video/mp4'],
      ['prediction.json', 'application/json'],
    ]);
    expect(await run.text('files/output-1.mp4')).toBe('video bytes');
    expect(JSON.parse(await run.text('prediction.json'))).toEqual({
      model: 'acme/painter',
      status: 'succeeded',
      output: ['files/output-0.png', 'files/output-1.mp4'],
    });
    expect(run.progress.map(({ status, path }) => status ?? path)).toEqual(['starting', 'processing', 'succeeded', 'files/output-0.png', 'files/output-1.mp4']);
    expect(run.envelope.meta).toMatchObject({ prediction: 'p1', predict_seconds: 2 });
    expect(new Set(tokens)).toEqual(new Set([`Bearer ${CANARY}`]));
  });

  it('writes the text of a model that answers with text', async () => {
    answers['GET /v1/predictions/p1'] = say(prediction('succeeded', { output: ['pin', 'lane'] }));
    expect(await (await real()).text('text/output.txt')).toBe('pinlane');
  });

  it('asks again when it is told to wait', async () => {
    answers['GET /v1/predictions/p1'] = (request, response, n) =>
      n === 1 ? response.writeHead(429, { 'retry-after': '0' }).end() : say(prediction('succeeded', { output: 'x' }))(request, response, n);
    expect((await real()).status).toBe(200);
  });

  it.each(['failed', 'canceled', 'aborted'])('answers ERR_PROVIDER when the prediction is %s, and cancels nothing', async (status) => {
    answers['GET /v1/predictions/p1'] = say(prediction(status, { error: `no luck with ${CANARY}` }));
    const run = await real();
    expect(run.status).toBe(502);
    expect(run.envelope.error).toEqual({ code: 'ERR_PROVIDER', message: `the model ${status}: no luck with [REDACTED]` });
    expect(requests).not.toContain('POST /v1/predictions/p1/cancel');
  });

  it('cancels the prediction at the time limit', async () => {
    answers['GET /v1/predictions/p1'] = say(prediction('processing'));
    const cancelled = new Promise<void>((resolve) => {
      answers['POST /v1/predictions/p1/cancel'] = (request, response, n) => {
        say(prediction('canceled'))(request, response, n);
        resolve();
      };
    });
    await served.stop();
    await serve({ timeoutMs: 3_000 });
    const run = await real();
    expect([run.status, run.envelope.error.code]).toEqual([504, 'ERR_TIMEOUT']);
    await cancelled;
  });

  it('cancels the prediction when its caller goes away, and when the API fails meanwhile', async () => {
    const caller = new AbortController();
    const cancelled = new Promise<void>((resolve) => {
      answers['POST /v1/predictions/p1/cancel'] = (_, response) => {
        response.writeHead(500).end();
        resolve();
      };
    });
    answers['GET /v1/predictions/p1'] = (request, response, n) => {
      if (n === 2) caller.abort();
      say(prediction('processing'))(request, response, n);
    };
    await expect(served.run(params, { mode: 'real', signal: caller.signal })).rejects.toThrow();
    await cancelled;
    answers['GET /v1/predictions/p1'] = say({}, 500);
    expect((await real()).envelope.error.code).toBe('ERR_PROVIDER');
    expect(requests.filter((name) => name.endsWith('/cancel'))).toHaveLength(2);
  });

  it.each([
    ['a malformed prediction', say({ id: 'p1' })],
    ['HTML', ((_, response) => response.end('<html>')) as Answer],
    ['a refusal that repeats the token', ((_, response) => response.writeHead(401).end(CANARY)) as Answer],
  ])('answers ERR_PROVIDER to %s', async (_, answer) => {
    answers['POST /v1/models/acme/painter/predictions'] = answer;
    const run = await real();
    expect([run.status, run.envelope.error.code]).toEqual([502, 'ERR_PROVIDER']);
    expect(JSON.stringify(run.envelope)).not.toContain(CANARY);
  });

  it('asks nobody in mode mock, and answers the same however the input is ordered', async () => {
    const one = await served.run({ model: 'a/b', input: { x: 1, y: 2 } });
    const two = await served.run({ input: { y: 2, x: 1 }, model: 'a/b' });
    expect(await one.text('text/output.txt')).toBe(await two.text('text/output.txt'));
    expect(requests).toEqual([]);
  });
});

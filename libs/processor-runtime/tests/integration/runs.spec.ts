import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ProcessorError, type Processor, type RunContext, type ServerOptions } from '../../src/index.ts';
import { deferred, echo, envelopeOf, eventsOf, SPEC, startServer, type EchoParams, type Harness } from '../harness.ts';

type Handler = (context: RunContext<EchoParams>) => unknown;
const mocked = (mock: Handler): Processor<EchoParams> => ({ mock: mock as never, real: mock as never });
const mime = 'text/plain';

describe('a run', () => {
  const started: Harness[] = [];
  const start = async (processor: Processor<EchoParams>, options: Partial<ServerOptions> = {}): Promise<Harness> => {
    const harness = await startServer(processor, options);
    started.push(harness);
    return harness;
  };
  afterEach(async () => {
    await Promise.all(started.splice(0).map((harness) => harness.close()));
  });

  it('has its outputs, index and receipts where the caller was told, with hashes that are theirs', async () => {
    const harness = await start(echo);
    const envelope = await envelopeOf(await harness.post('/run', harness.body()));
    const bytes = await harness.file('out/run-1/outputs/text/response.txt');
    expect(bytes).toBe('hellohello');
    expect(envelope.outputs).toEqual([{ path: 'text/response.txt', mime, size_bytes: 10, sha256: createHash('sha256').update(bytes).digest('hex') }]);
    expect(envelope.index_path).toBe(`${harness.root}/out/run-1/outputs.json`);
    expect(await harness.file('execution/run-1/determinism.json')).toBe(await harness.file('out/run-1/receipt.json'));
    expect((await readdir(join(harness.root, 'out/run-1'))).sort()).toEqual(['outputs', 'outputs.json', 'receipt.json']);
    expect((await stat(join(harness.root, 'out/run-1/outputs'))).mode & 0o777).toBe(0o755);
  });

  it('has an index that is sorted and compact', async () => {
    const harness = await start(
      mocked(async ({ output }) => {
        for (const path of ['b', 'a/z', 'B', 'a-b']) await output(path, path, { mime });
      }),
    );
    await harness.post('/run', harness.body());
    const index = await harness.file('out/run-1/outputs.json');
    const { outputs } = JSON.parse(index) as { outputs: { path: string }[] };
    expect(outputs.map(({ path }) => path)).toEqual(['B', 'a-b', 'a/z', 'b']);
    expect(index).not.toMatch(/\s/);
  });

  it('has the same receipt for the same request, and leaves nothing of the run before', async () => {
    let file = 'first';
    const harness = await start(mocked(({ output }) => output(file, 'same', { mime })));
    await harness.post('/run', harness.body());
    const first = await harness.file('out/run-1/receipt.json');
    await harness.post('/run', harness.body());
    expect(await harness.file('out/run-1/receipt.json')).toBe(first);
    file = 'second';
    await harness.post('/run', harness.body());
    expect(await readdir(join(harness.root, 'out/run-1/outputs'))).toEqual(['second']);
  });

  it('has an inputs hash over the RFC 8785 form of what was sent', async () => {
    const harness = await start(echo);
    const text = JSON.stringify(harness.body()).replace('{"schema":"v1","params":{"text":"hello"}}', '{"params": {"text": "\\u0068ello"}, "schema": "v1"}');
    const { meta } = await envelopeOf(await harness.post('/run', text));
    const value = createHash('sha256').update('{"params":{"text":"hello"},"schema":"v1"}').digest('hex');
    expect(meta['inputs_hash']).toEqual({ hash_schema: 'jcs-sha256-v1', value });
  });

  it('names resources and secrets in its environment fingerprint, and no value', async () => {
    const env = { ACME_KEY: 'value-of-key', ACME_BASE: 'value-of-base', OTHER: 'x' };
    const harness = await start(echo, { env });
    const of = async (mode: string) => (await envelopeOf(await harness.post('/run', harness.body({ mode })))).meta['env_fingerprint'];
    expect(await of('real')).toBe('cpu=1;gpu=none;memory_gb=2;secrets=ACME_BASE,ACME_KEY');
    expect(await of('mock')).toBe('cpu=1;gpu=none;memory_gb=2;secrets=ACME_KEY');
  });

  it('gets what the schema has defaults for, and what the handler returns is in meta without replacing anything', async () => {
    const harness = await start(mocked(({ params }) => ({ times: params.times, ref: 'forged' })));
    const { meta } = await envelopeOf(await harness.post('/run', harness.body()));
    expect(meta).toMatchObject({ times: 2, ref: SPEC.ref });
  });

  it('cannot reach a secret in mode mock, nor one that is not declared in mode real', async () => {
    const seen: unknown[] = [];
    const processor: Processor<EchoParams> = { mock: (context) => void seen.push('secret' in context), real: ({ secret }) => void secret('PATH') };
    const harness = await start(processor, { env: { ACME_KEY: 'value-of-key', PATH: '/bin' } });
    await harness.post('/run', harness.body());
    expect(seen).toEqual([false]);
    const { error } = await envelopeOf(await harness.post('/run', harness.body({ mode: 'real' })));
    expect(error).toEqual({ code: 'ERR_RUNTIME', message: 'registry.yaml declares no secret PATH' });
  });

  it('writes streams as they come, and writes that nobody waited for', async () => {
    const harness = await start(
      mocked(({ output }) => {
        const chunks = async function* () {
          yield Buffer.from('one ');
          yield 'two';
        };
        void output('stream.txt', chunks(), { mime });
        void output('bytes.bin', new Uint8Array([1, 2]), { mime: 'application/octet-stream' });
      }),
    );
    const { outputs } = await envelopeOf(await harness.post('/run', harness.body()));
    expect(outputs.map(({ path, size_bytes }) => [path, size_bytes])).toEqual([
      ['bytes.bin', 2],
      ['stream.txt', 7],
    ]);
    expect(await harness.file('out/run-1/outputs/stream.txt')).toBe('one two');
  });

  it('fails with ERR_OUTPUT_DUPLICATE when it writes a path twice, also when the handler hides it', async () => {
    const harness = await start(
      mocked(async ({ output }) => {
        await output('a', '1', { mime });
        await output('a', '2', { mime }).catch(() => {});
      }),
    );
    const answer = await harness.post('/run', harness.body());
    expect(answer.status).toBe(500);
    expect((await envelopeOf(answer)).error).toEqual({ code: 'ERR_OUTPUT_DUPLICATE', message: 'the run wrote the output "a" twice' });
    expect(await readdir(join(harness.root, 'out/run-1'))).toEqual([]);
  });

  it.each(['../a', '/a', 'a/../../b', 'a//b', 'a\\b', '-a', '', 'a\0b'])('cannot write the output %j', async (path) => {
    const harness = await start(mocked(({ output }) => output(path, '', { mime })));
    expect((await envelopeOf(await harness.post('/run', harness.body()))).error.code).toBe('ERR_RUNTIME');
  });

  it('may write only what registry.yaml declares, and has the declared media type', async () => {
    const outputs = [{ path: 'text/*.txt', mime }];
    let path = 'text/a.txt';
    const harness = await start(
      mocked(({ output }) => output(path, 'x')),
      { spec: { ...SPEC, outputs } },
    );
    expect((await envelopeOf(await harness.post('/run', harness.body()))).outputs[0]).toMatchObject({ path, mime });
    path = 'text/deep/a.txt';
    expect((await envelopeOf(await harness.post('/run', harness.body()))).error.message).toMatch('is not among the outputs');
  });

  it.each([
    ['a code of its own', () => new ProcessorError('ERR_PROVIDER', 'the model is asleep'), 502, 'ERR_PROVIDER', 'the model is asleep'],
    ['an unforeseen error', () => new TypeError('x is undefined'), 500, 'ERR_RUNTIME', 'the processor failed: x is undefined'],
    ['something that is no error', () => 'just text', 500, 'ERR_RUNTIME', 'the processor failed: just text'],
  ])('that throws %s is answered with it and leaves no files', async (_, thrown, status, code, message) => {
    const harness = await start(
      mocked(async ({ output }) => {
        await output('half', 'done', { mime });
        throw thrown();
      }),
    );
    const answer = await harness.post('/run', harness.body());
    expect(answer.status).toBe(status);
    expect((await envelopeOf(answer)).error).toEqual({ code, message });
    expect(await readdir(join(harness.root, 'out/run-1'))).toEqual([]);
  });

  it('removes what a run that crashed has left', async () => {
    const harness = await start(echo);
    await harness.post('/run', harness.body());
    await writeFile(join(harness.root, 'out/run-1/.staging-crashed'), 'x');
    await harness.post('/run', harness.body());
    expect(await readdir(join(harness.root, 'out/run-1'))).not.toContain('.staging-crashed');
  });

  it('leaves no receipt when its files cannot be put in place, not even that of the run before', async () => {
    const harness = await start(echo);
    await harness.post('/run', harness.body());
    const folder = join(harness.root, 'out/run-1');
    await rm(join(folder, 'outputs.json'));
    await mkdir(join(folder, 'outputs.json/in-the-way'), { recursive: true });
    const answer = await harness.post('/run', harness.body());
    expect([answer.status, (await envelopeOf(answer)).error.code]).toEqual([500, 'ERR_RUNTIME']);
    expect((await readdir(folder)).filter((name) => !name.startsWith('outputs'))).toEqual([]);
    expect(await readdir(join(harness.root, 'execution/run-1'))).toEqual([]);
  });

  it('that takes too long is answered with ERR_TIMEOUT, its signal fires, and it can write nothing more', async () => {
    const late = deferred<unknown>();
    const harness = await start(
      mocked(async ({ signal, output }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        await output('late', 'x', { mime }).catch((error: unknown) => late.resolve(error));
      }),
      { spec: { ...SPEC, timeoutMs: 2_000 } },
    );
    const answer = await harness.post('/run', harness.body());
    expect(answer.status).toBe(504);
    expect((await envelopeOf(answer)).error).toEqual({ code: 'ERR_TIMEOUT', message: 'the run took longer than 2 s (runtime.timeout_s)' });
    expect(await late.promise).toMatchObject({ code: 'ERR_TIMEOUT' });
  });

  it('that never yields is answered with ERR_TIMEOUT all the same', async () => {
    const spin: Handler = () => {
      for (const end = performance.now() + 60; performance.now() < end;);
    };
    const harness = await start(mocked(spin), { spec: { ...SPEC, timeoutMs: 20 } });
    expect((await harness.post('/run', harness.body())).status).toBe(504);
  });

  it.each(['/run', '/run-stream'])('over %s is cancelled when its caller goes away', async (path) => {
    const running = deferred();
    const cancelled = deferred<unknown>();
    const harness = await start(
      mocked(async ({ signal }) => {
        running.resolve();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        cancelled.resolve(signal.reason);
      }),
    );
    const caller = new AbortController();
    const answer = harness.post(path, harness.body(), {}, caller.signal).then((response) => response.text());
    await running.promise;
    caller.abort();
    await expect(answer).rejects.toThrow();
    expect(await cancelled.promise).toMatchObject({ message: 'the caller went away' });
  });

  it('is refused with ERR_BUSY and Retry-After beyond the limit, and let in when a place is free', async () => {
    const gate = deferred();
    const harness = await start(mocked(() => gate.promise));
    const first = ['a', 'b'].map((id) => harness.post('/run', harness.body({ execution_id: id })));
    while (harness.server.running() < 2) await new Promise((resolve) => setImmediate(resolve));
    const refused = await harness.post('/run', harness.body({ execution_id: 'c' }));
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect((await envelopeOf(refused)).error).toEqual({ code: 'ERR_BUSY', message: '2 runs are going on, which is the limit (runtime.concurrency)' });
    gate.resolve();
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await harness.post('/run', harness.body({ execution_id: 'c' }))).status).toBe(200);
  });

  it('is refused with ERR_BUSY while one of the same id is going on', async () => {
    const gate = deferred();
    const harness = await start(mocked(() => gate.promise));
    const first = harness.post('/run', harness.body());
    while (harness.server.running() < 1) await new Promise((resolve) => setImmediate(resolve));
    expect((await envelopeOf(await harness.post('/run', harness.body()))).error).toMatchObject({
      code: 'ERR_BUSY',
      message: 'the execution run-1 is running already',
    });
    gate.resolve();
    expect((await first).status).toBe(200);
  });

  it('is finished when the processor is told to stop, while new ones are refused', async () => {
    const gate = deferred();
    const harness = await start(mocked(() => gate.promise));
    const first = harness.post('/run', harness.body());
    while (harness.server.running() < 1) await new Promise((resolve) => setImmediate(resolve));
    const stopped = harness.server.shutDown();
    const refused = await harness.post('/run', harness.body({ execution_id: 'late' }));
    expect(refused.status).toBe(503);
    expect((await envelopeOf(refused)).error).toEqual({ code: 'ERR_BUSY', message: 'the processor is shutting down' });
    expect((await fetch(`${harness.url}/healthz`)).status).toBe(503);
    gate.resolve();
    expect((await first).status).toBe(200);
    await stopped;
    await expect(fetch(`${harness.url}/healthz`)).rejects.toThrow();
  });

  it('streams progress in order, then exactly one done with the envelope', async () => {
    const harness = await start(
      mocked(async ({ progress, streaming, output }) => {
        await progress({ phase: 'half', streaming });
        await output('a', 'x', { mime });
      }),
    );
    const answer = await harness.post('/run-stream', harness.body());
    const events = await eventsOf(answer);
    expect(answer.headers.get('content-type')).toMatch('text/event-stream');
    expect(events.map(({ event }) => event)).toEqual(['progress', 'progress', 'done']);
    expect(events[0]?.data).toEqual({ phase: 'started' });
    expect(events[1]?.data).toEqual({ phase: 'half', streaming: true });
    expect(events[2]?.data).toMatchObject({ status: 'success', execution_id: 'run-1', outputs: [{ path: 'a' }] });
  });

  it('streams exactly one error when it fails, and nothing that comes after', async () => {
    const ended = deferred();
    const after = deferred();
    const harness = await start(
      mocked(({ progress }) => {
        void ended.promise.then(() => progress({ phase: 'too late' })).then(after.resolve);
        throw new ProcessorError('ERR_PROVIDER', 'no');
      }),
    );
    const events = await eventsOf(await harness.post('/run-stream', harness.body()));
    expect(events.map(({ event }) => event)).toEqual(['progress', 'error']);
    expect(events[1]?.data).toMatchObject({ status: 'error', error: { code: 'ERR_PROVIDER' } });
    ended.resolve();
    await after.promise;
  });
});

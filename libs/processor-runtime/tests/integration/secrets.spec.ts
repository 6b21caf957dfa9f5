import { afterEach, describe, expect, it } from '@jest/globals';
import { DIGEST, echo, eventsOf, startServer, type EchoParams, type Harness } from '../harness.ts';
import type { Processor } from '../../src/index.ts';

const CANARY = 'c4n@ry "value"\\of/ACME+KEY=';
const env = { ACME_KEY: CANARY };
const forms = [
  CANARY,
  JSON.stringify(CANARY).slice(1, -1),
  encodeURIComponent(CANARY),
  Buffer.from(CANARY).toString('base64'),
  Buffer.from(CANARY).toString('base64url'),
  Buffer.from(CANARY).toString('hex'),
];
const expectNoCanary = (text: string): void => {
  for (const form of forms) expect(text).not.toContain(form);
};

describe('the value of a secret', () => {
  let harness: Harness | undefined;
  afterEach(() => harness?.close());

  it('is in no log and no envelope, however a processor drops it', async () => {
    const inner = new Error(`inner ${CANARY}`, { cause: { deep: [Buffer.from(CANARY).toString('base64')] } });
    const leaky: Processor<EchoParams> = {
      mock: () => {},
      real: async ({ secret, log, progress }) => {
        const value = secret('ACME_KEY');
        for (const form of forms) log.info('leak', { form, [form]: 1, nested: { list: [`x${form}y`] }, map: new Map([[form, form]]) });
        log.error('leak', { error: new AggregateError([inner], value, { cause: inner }) });
        log.info('basic', { authorization: `Basic ${Buffer.from(`user:${value}:rest`).toString('base64')}` });
        await progress({ value, url: `https://host/?key=${encodeURIComponent(value)}` });
        throw new Error(`could not use ${value}`, { cause: inner });
      },
    };
    harness = await startServer(leaky, { env });
    const answer = await harness.post('/run', harness.body({ mode: 'real' }));
    const text = await answer.text();
    expectNoCanary(text);
    expect(text).toContain('[REDACTED]');
    const stream = JSON.stringify(await eventsOf(await harness.post('/run-stream', harness.body({ mode: 'real' }))));
    expectNoCanary(stream);
    expectNoCanary(harness.logText());
    expect(harness.logText()).not.toContain(Buffer.from(CANARY).toString('base64').slice(4, 24));
    // Every line is still JSON.
    expect(harness.lines().filter(({ event }) => event === 'leak')).toHaveLength(2 * (forms.length + 1));
  });

  it('is not in what a processor returns for the envelope', async () => {
    harness = await startServer({ ...echo, real: ({ secret }) => ({ used: secret('ACME_KEY') }) }, { env });
    expectNoCanary(await (await harness.post('/run', harness.body({ mode: 'real' }))).text());
  });

  it('is not in an answer that repeats what the caller sent', async () => {
    harness = await startServer(echo, { env });
    expectNoCanary(await (await harness.post('/run', harness.body({ ref: CANARY }))).text());
    expectNoCanary(harness.logText());
  });
});

describe('the log', () => {
  it('has lines that begin with ts, level, event, service and env, and shows digests', async () => {
    const harness = await startServer(echo, { env: { ACME_KEY: 'abab' }, environment: 'staging' });
    harness.server.log.info('digest', { image: DIGEST, service: 'forged' });
    await harness.post('/run', harness.body());
    const lines = harness.lines();
    for (const line of lines) expect(Object.keys(line).slice(0, 5)).toEqual(['ts', 'level', 'event', 'service', 'env']);
    expect(lines[0]).toMatchObject({ level: 'info', event: 'digest', service: 'acme/echo@1', env: 'staging', image: DIGEST });
    expect(lines.map(({ event }) => event)).toEqual(['digest', 'run.started', 'run.done']);
    await harness.close();
  });
});

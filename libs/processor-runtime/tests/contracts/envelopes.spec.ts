import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { errorEnvelopeSchema, healthSchema, outputsIndexSchema, receiptSchema, runRequestSchema, successEnvelopeSchema } from '@pinlane/contracts';
import fc from 'fast-check';
import { createValidator } from '../../src/request.ts';
import { echo, eventsOf, SPEC, startServer, type Harness } from '../harness.ts';

describe('what the runtime answers and writes is what the contract describes', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startServer(echo, { env: { ACME_KEY: 'a-secret-value' } });
  });
  afterAll(() => harness.close());

  it('answers health checks as the contract says', async () => {
    const health = healthSchema.parse(await (await fetch(`${harness.url}/healthz`)).json());
    expect(health).toMatchObject({ ok: true, ref: 'acme/echo@1' });
  });

  it.each(['mock', 'real'])('answers a %s run with a success envelope, an index and a receipt of the contract', async (mode) => {
    const answer = await harness.post('/run', harness.body({ mode, execution_id: `ok-${mode}` }));
    const envelope = successEnvelopeSchema.parse(await answer.json());
    expect(answer.status).toBe(200);
    const receipt = receiptSchema.parse(JSON.parse(await harness.file(`out/ok-${mode}/receipt.json`)));
    const index = outputsIndexSchema.parse(JSON.parse(await harness.file(`out/ok-${mode}/outputs.json`)));
    expect(receipt).toMatchObject({ mode, outputs: envelope.outputs, inputs_hash: envelope.meta.inputs_hash, env_fingerprint: envelope.meta.env_fingerprint });
    expect(index.outputs).toEqual(envelope.outputs);
  });

  it.each(['/run', '/run-stream'])('answers a bad request to %s with an error envelope of the contract', async (path) => {
    const answer = await harness.post(path, {});
    const body: unknown = path === '/run' ? await answer.json() : (await eventsOf(answer))[0]?.data;
    expect(errorEnvelopeSchema.parse(body)).toMatchObject({ execution_id: null, error: { code: 'ERR_INPUTS' } });
  });

  it('takes exactly the requests that the contract takes', () => {
    const validator = createValidator({ ...SPEC, inputs: {} });
    const good = { schema: 'v1', execution_id: 'a.b-c_1', ref: SPEC.ref, mode: 'mock', inputs: { schema: 'v1', params: {} }, write_prefix: 'x/{execution_id}' };
    const odd = fc.constantFrom<unknown>(
      undefined,
      null,
      '',
      'v1',
      'v2',
      'real',
      '../x',
      '-x',
      'a'.repeat(129),
      'p'.repeat(1025),
      1,
      [],
      {},
      { schema: 'v1' },
      { schema: 'v1', params: [] },
    );
    const change = fc.dictionary(fc.constantFrom('schema', 'execution_id', 'mode', 'inputs', 'write_prefix', 'extra'), odd, { maxKeys: 3 });
    const taken = (body: unknown): boolean => {
      try {
        validator.request(body);
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(change, (changes) => {
        const body: unknown = JSON.parse(JSON.stringify({ ...good, ...changes }));
        expect(taken(body)).toBe(runRequestSchema.safeParse(body).success);
      }),
    );
    expect(taken(good)).toBe(true);
  });
});

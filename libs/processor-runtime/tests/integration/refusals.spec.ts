import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MAX_BODY_BYTES } from '@pinlane/contracts/processor';
import { createServer } from '../../src/index.ts';
import { DIGEST, echo, envelopeOf, eventsOf, SPEC, startServer, type Harness } from '../harness.ts';

describe('a processor refuses', () => {
  let harness: Harness;
  const others: Harness[] = [];
  beforeEach(async () => {
    harness = await startServer(echo);
  });
  afterEach(async () => {
    await Promise.all([harness, ...others.splice(0)].map((one) => one.close()));
  });
  const other = async (...args: Parameters<typeof startServer>): Promise<Harness> => {
    const one = await startServer(...args);
    others.push(one);
    return one;
  };
  const expectRefusal = async (answer: Response, status: number, code: string, message: RegExp | string = ''): Promise<void> => {
    const envelope = await envelopeOf(answer);
    expect({ status: answer.status, code: envelope.error.code }).toEqual({ status, code });
    expect(envelope.error.message).toMatch(message);
    expect(await readdir(harness.root)).toEqual([]);
  };

  it('a body that is not JSON, without quoting it', async () => {
    const answer = await harness.post('/run', '{"secret-looking": nonsense');
    const envelope = await envelopeOf(answer);
    expect(answer.status).toBe(400);
    expect(envelope.error).toEqual({ code: 'ERR_INPUTS', message: 'the body is not JSON in UTF-8' });
  });

  it('a body that is not UTF-8', async () => {
    const answer = await fetch(`${harness.url}/run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from([0x22, 0xff, 0x22]),
    });
    await expectRefusal(answer, 400, 'ERR_INPUTS', 'UTF-8');
  });

  it('a body that would change prototypes, or is nested a thousand levels deep', async () => {
    await expectRefusal(await harness.post('/run', '{"__proto__":{"mode":"real"}}'), 400, 'ERR_INPUTS', '__proto__');
    await expectRefusal(await harness.post('/run', `${'['.repeat(1000)}${']'.repeat(1000)}`), 400, 'ERR_INPUTS', 'nested deeper');
  });

  it('another media type with 415', async () => {
    await expectRefusal(await harness.post('/run', 'text', { 'content-type': 'text/plain' }), 415, 'ERR_INPUTS', 'application/json');
  });

  it('a compressed body with 415', async () => {
    await expectRefusal(await harness.post('/run', '{}', { 'content-encoding': 'gzip' }), 415, 'ERR_INPUTS', 'compressed');
  });

  it('a body beyond the limit with 413, after the caller has sent it', async () => {
    await expectRefusal(await harness.post('/run', `"${'x'.repeat(MAX_BODY_BYTES)}"`), 413, 'ERR_INPUTS', String(MAX_BODY_BYTES));
  });

  it('a path that does not exist with 404', async () => {
    await expectRefusal(await fetch(`${harness.url}/nothing`), 404, 'ERR_INPUTS', 'GET /nothing');
  });

  it('a mode that does not exist', async () => {
    await expectRefusal(await harness.post('/run', harness.body({ mode: 'dry' })), 400, 'ERR_INPUTS', '/mode');
  });

  it('a request for another processor', async () => {
    await expectRefusal(await harness.post('/run', harness.body({ ref: 'acme/other@1' })), 400, 'ERR_INPUTS', 'this processor is acme/echo@1');
  });

  it('an unknown key of the request', async () => {
    await expectRefusal(await harness.post('/run', harness.body({ colour: 'red' })), 400, 'ERR_INPUTS', 'colour');
  });

  it('inputs that break the schema, and names every problem', async () => {
    const inputs = { schema: 'v1', params: { text: 7, extra: true } };
    await expectRefusal(await harness.post('/run', harness.body({ inputs })), 400, 'ERR_INPUTS', /extra.*\/inputs\/params\/text must be string/);
  });

  it('inputs that have no canonical form', async () => {
    const text = JSON.stringify(harness.body()).replace('hello', '\\ud800');
    await expectRefusal(await harness.post('/run', text), 400, 'ERR_INPUTS', 'RFC 8785');
  });

  it.each([
    ['without the placeholder', 'ROOT/out'],
    ['that climbs out', 'ROOT/../{execution_id}'],
    ['with . as a folder', 'ROOT/./{execution_id}'],
    ['outside of the root', '/elsewhere/{execution_id}'],
    ['beside the root', 'ROOT-2/{execution_id}'],
    ['with an encoded slash', 'ROOT/a%2fb/{execution_id}'],
    ['with encoded dots', 'ROOT/%2E%2e/{execution_id}'],
    ['with an encoded backslash', 'ROOT/a%5Cb/{execution_id}'],
    ['with a twice encoded slash', 'ROOT/a%252fb/{execution_id}'],
    ['with a backslash', 'ROOT/a\\b/{execution_id}'],
    ['with a NUL', 'ROOT/a\0b/{execution_id}'],
    ['with a line break', 'ROOT/a\nb/{execution_id}'],
  ])('a write_prefix %s', async (_, prefix) => {
    const body = harness.body({ write_prefix: prefix.replace('ROOT', harness.root) });
    await expectRefusal(await harness.post('/run', body), 400, 'ERR_INPUTS', 'write_prefix');
  });

  it('a write_prefix that leaves the root by a link', async () => {
    const outside = await other(echo);
    await symlink(outside.root, join(harness.root, 'link'));
    const answer = await harness.post('/run', harness.body({ write_prefix: `${harness.root}/link/{execution_id}` }));
    expect(answer.status).toBe(400);
    expect((await envelopeOf(answer)).error).toMatchObject({ code: 'ERR_INPUTS', message: 'write_prefix leads out of the artifacts root by a link' });
    expect(await readdir(outside.root)).toEqual([]);
  });

  it('a write_prefix through a file', async () => {
    await writeFile(join(harness.root, 'file'), '');
    const answer = await harness.post('/run', harness.body({ write_prefix: 'file/{execution_id}' }));
    expect((await envelopeOf(answer)).error.code).toBe('ERR_INPUTS');
  });

  it('a caller who expects another image, before it looks at the request', async () => {
    const answer = await harness.post('/run', {}, { 'X-Pinlane-Expect-Digest': `sha256:${'0'.repeat(64)}` });
    await expectRefusal(answer, 409, 'ERR_REGISTRY_MISMATCH', DIGEST);
  });

  it('nobody who expects the image that runs', async () => {
    expect((await harness.post('/run', harness.body(), { 'X-Pinlane-Expect-Digest': DIGEST })).status).toBe(200);
  });

  it.each([undefined, '', '  '])('a real run whose secret is %j, before it looks at the inputs', async (value) => {
    const one = await other(echo, { env: { ACME_KEY: value } });
    const answer = await one.post('/run', { mode: 'real' });
    expect(answer.status).toBe(424);
    expect((await envelopeOf(answer)).error).toEqual({ code: 'ERR_MISSING_SECRET', message: 'mode=real needs secrets that are not set: ACME_KEY' });
  });

  it('every run and every health check without an image digest', async () => {
    const one = await other(echo, { imageDigest: null });
    for (const answer of [await one.post('/run', one.body()), await fetch(`${one.url}/healthz`)]) {
      const envelope = await envelopeOf(answer);
      expect(answer.status).toBe(500);
      expect(envelope.error.code).toBe('ERR_IMAGE_DIGEST_MISSING');
      expect(envelope.meta).not.toHaveProperty('image_digest');
    }
  });

  it('in a stream as it does in an answer: the same status, and one error event', async () => {
    const answer = await harness.post('/run-stream', harness.body({ mode: 'dry' }));
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toMatch('text/event-stream');
    expect((await eventsOf(answer)).map(({ event }) => event)).toEqual(['error']);
  });

  it('to start with inputs that are not a JSON Schema', () => {
    const options = { spec: { ...SPEC, inputs: { type: 'nonsense' } }, env: {}, imageDigest: DIGEST, artifactsRoot: harness.root, writeLog: () => {} };
    expect(() => createServer(echo, options)).toThrow('schema is invalid');
  });

  it.each(['http://json-schema.org/draft-07/schema#', 'https://json-schema.org/draft/2020-12/schema'])('by the rules of %s', async ($schema) => {
    // prefixItems is a keyword of 2020-12 alone; draft-07 has items for the same.
    const tuple = [{ type: 'string' }];
    const draft07 = $schema.includes('draft-07');
    const inputs = { $schema, properties: { list: draft07 ? { items: tuple } : { prefixItems: tuple } } };
    const one = await other(echo, { spec: { ...SPEC, inputs } });
    const answer = await one.post('/run', one.body({ inputs: { schema: 'v1', params: { list: [1] } } }));
    expect((await envelopeOf(answer)).error.message).toMatch('/inputs/params/list/0 must be string');
  });

  it('nothing of what a link inside of the root leads to inside of the root', async () => {
    await mkdir(join(harness.root, 'real'));
    await symlink('real', join(harness.root, 'link'));
    expect((await harness.post('/run', harness.body({ write_prefix: 'link/{execution_id}' }))).status).toBe(200);
    expect(await harness.file('real/run-1/outputs/text/response.txt')).toBe('hellohello');
  });
});

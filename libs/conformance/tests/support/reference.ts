import { createHash } from 'node:crypto';
import { lstat, mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ajv } from 'ajv';
import canonicalize from 'canonicalize';
import { EXPECT_DIGEST_HEADER, PROCESSOR_ERROR_STATUS, type ProcessorErrorCode, type SpecProjection } from '@pinlane/contracts';

/** How the reference processor runs. `breaks` names the one rule that it breaks; it obeys all others. */
export interface ReferenceOptions {
  readonly spec: SpecProjection;
  readonly digest: string | null;
  readonly secrets: Readonly<Record<string, string>>;
  readonly artifactsRoot: string;
  readonly environment: string;
  readonly maxBodyBytes: number;
  readonly log: (line: string) => void;
  readonly breaks: string | null;
}

export interface Reference {
  readonly server: Server;
  /** Does what the process does on SIGTERM; resolves with its exit code. */
  terminate(): Promise<number>;
}

class Refusal extends Error {
  readonly code: ProcessorErrorCode;
  readonly status: number;
  constructor(code: ProcessorErrorCode, message: string, status: number = PROCESSOR_ERROR_STATUS[code]) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

type Body = Record<string, unknown> & { inputs?: { schema?: unknown; params?: unknown } };
type Output = { path: string; mime: string; size_bytes: number; sha256: string };

const OTHER_DIGEST = `sha256:${'f'.repeat(64)}`;
const EXECUTION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const jcs = (value: unknown): string => canonicalize(value) as string;
const hex = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');
const ajv = new Ajv({ strict: false, addUsedSchema: false });
let instances = 0;

/** The smallest processor that obeys the contract. It shares no code with processor-runtime, so the rules can't rest on what that happens to do. */
export const createReference = (options: ReferenceOptions): Reference => {
  const { spec, digest, secrets, artifactsRoot, maxBodyBytes, breaks } = options;
  const is = (rule: string): boolean => breaks === rule;
  const instance = (instances += 1);
  const validate = ajv.compile(spec.inputs);
  const secretValues = Object.values(secrets).join(' ');
  let running = 0;
  let refusedOnce = false;
  let closing = false;
  let settled = (): void => {};

  const log = (event: string, more: object = {}): void => {
    const { environment } = options;
    const line = { ts: new Date().toISOString(), level: 'info', event, service: spec.ref, env: environment, ...more };
    options.log(`${JSON.stringify(is('logs.fields') ? { ...line, event: undefined } : line)}\n`);
    if (is('logs.ndjson')) options.log('listening happily\n');
  };

  const readBody = async (request: IncomingMessage): Promise<Body> => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of request) {
      size += (chunk as Uint8Array).length;
      if (size <= maxBodyBytes || is('inputs.too-large')) chunks.push(chunk as Uint8Array);
    }
    if (request.headers['content-type'] !== 'application/json' && !is('inputs.media-type')) throw new Refusal('ERR_INPUTS', 'not JSON', 415);
    if (size > maxBodyBytes && !is('inputs.too-large')) throw new Refusal('ERR_INPUTS', 'too large', 413);
    try {
      return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Body;
    } catch {
      throw is('inputs.json') ? new Refusal('ERR_RUNTIME', 'not JSON') : new Refusal('ERR_INPUTS', 'not JSON');
    }
  };

  const validated = (body: Body): { executionId: string } => {
    const bad = (message: string): never => {
      throw new Refusal('ERR_INPUTS', message);
    };
    const id = body['execution_id'];
    if (body['schema'] !== 'v1' && !is('inputs.request')) bad('schema');
    if (typeof id !== 'string' || (!EXECUTION_ID.test(id) && !(is('inputs.execution-id') && id === 'a/b'))) return bad('execution_id');
    if (body['ref'] !== spec.ref && !is('inputs.ref')) bad('ref');
    if (body.inputs?.schema !== 'v1') bad('inputs');
    if (!validate(body.inputs?.params) && !is('inputs.params')) bad('params');
    return { executionId: id };
  };

  const prefixOf = async (body: Body, executionId: string): Promise<{ shown: string; folder: string }> => {
    const prefix = String(body['write_prefix']);
    const shown = prefix.replaceAll('{execution_id}', executionId);
    const refuse = async (): Promise<never> => {
      if (is('prefix.nothing-written')) await mkdir(join(artifactsRoot, 'left', executionId), { recursive: true });
      throw new Refusal('ERR_INPUTS', 'write_prefix');
    };
    if (!prefix.includes('{execution_id}') && !is('prefix.placeholder')) await refuse();
    if (shown.split('/').includes('..') && !is('prefix.parent')) await refuse();
    if (/%|\\/.test(shown) && !is('prefix.encoded')) await refuse();
    const absolute = shown.startsWith('/');
    const inside = shown.startsWith(`${artifactsRoot}/`);
    if (absolute && !inside && !is('prefix.absolute')) await refuse();
    if (absolute && inside && is('prefix.absolute-inside')) await refuse();
    const folder = inside ? shown : join(artifactsRoot, shown);
    const first = await lstat(join(artifactsRoot, shown.split('/')[0] as string)).catch(() => null);
    if (first?.isSymbolicLink() === true && !is('prefix.link')) await refuse();
    return { shown, folder };
  };

  const write = async (file: string, bytes: string): Promise<void> => {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  };

  const environmentFingerprint = (): string => {
    const { runtime } = spec;
    const names = is('run.env-fingerprint') ? ['UNHEARD_OF'] : [...spec.secrets.required].sort();
    return `cpu=${runtime.cpu};gpu=${runtime.gpu ?? 'none'};memory_gb=${runtime.memory_gb};secrets=${names.join(',')}`;
  };

  const makeOutputs = async (folder: string, executionId: string, params: unknown): Promise<Output[]> => {
    const salt = `${is('receipt.deterministic') ? instance : ''}${is('receipt.execution-id') ? executionId : ''}`;
    const texts: Record<string, [string, string]> = {
      'data.json': ['application/json', jcs({ params, salt })],
      'text/answer.txt': ['text/plain', 'an answer'],
      ...(is('outputs.declared') ? { 'zzz.bin': ['application/octet-stream', 'nobody knows me'] as [string, string] } : {}),
    };
    const outputs: Output[] = [];
    for (const [path, [mime, text]] of Object.entries(texts)) {
      await write(join(folder, 'outputs', path), text);
      outputs.push({ path, mime, size_bytes: Buffer.byteLength(text), sha256: hex(is('outputs.files') ? `${text}.` : text) });
    }
    if (is('outputs.complete')) await write(join(folder, 'outputs', 'unlisted.txt'), 'unlisted');
    if (is('outputs.sorted')) outputs.reverse();
    if (is('outputs.unique')) outputs.push(outputs.at(-1) as Output);
    return outputs;
  };

  const carryOut = async (body: Body, executionId: string, mode: string, place: { shown: string; folder: string }, streamed: boolean): Promise<object> => {
    const startedAt = performance.now();
    const facts = {
      ref: is('run.ref') ? 'somebody/else@1' : spec.ref,
      image_digest: is('run.digest') ? OTHER_DIGEST : (digest ?? OTHER_DIGEST),
      inputs_hash: { hash_schema: 'jcs-sha256-v1', value: hex(is('run.inputs-hash') ? JSON.stringify([body.inputs]) : jcs(body.inputs)) },
      env_fingerprint: environmentFingerprint(),
    };
    await sleep(10);
    const late = performance.now() - startedAt > spec.runtime.timeout_s * 1000 && !is('timeout.code');
    if (late && !is('timeout.nothing-left')) throw new Refusal('ERR_TIMEOUT', 'too slow');
    const outputs = await makeOutputs(place.folder, executionId, body.inputs?.params);
    await write(join(place.folder, 'outputs.json'), is('outputs.index') ? JSON.stringify({ outputs }, null, 2) : jcs({ outputs }));
    const receipt = {
      kind: is('receipt.shape') ? 'Bill' : 'Receipt',
      schemaVersion: 1,
      execution_id: executionId,
      mode,
      ...facts,
      ...(is('receipt.facts') ? { env_fingerprint: 'another machine' } : {}),
      ...(is('receipt.determined') ? { duration_ms: 10 } : {}),
      outputs,
    };
    const bytes = is('receipt.canonical') ? JSON.stringify(receipt, null, 1) : jcs(receipt);
    await write(join(place.folder, 'receipt.json'), bytes);
    await write(join(artifactsRoot, 'execution', executionId, 'determinism.json'), is('receipt.copy') ? `${bytes}\n` : bytes);
    if (is('secrets.files') && secretValues !== '') await write(join(artifactsRoot, 'debug.txt'), Buffer.from(secretValues).toString('hex'));
    if (late) throw new Refusal('ERR_TIMEOUT', 'too slow');
    return {
      status: 'success',
      execution_id: is('run.execution-id') && !streamed ? 'somebody-elses' : executionId,
      outputs,
      index_path: is('run.index-path') ? 'outputs.json' : `${place.shown}/outputs.json`,
      meta: { ...facts, duration_ms: performance.now() - startedAt },
      ...(is('run.envelope') && !streamed ? { note: 'hello' } : {}),
    };
  };

  /** Checks a request in the order that the contract demands. @returns what carries it out */
  const prepare = async (request: IncomingMessage, body: Body): Promise<() => Promise<object>> => {
    if (digest === null && !is('digest.missing')) throw new Refusal('ERR_IMAGE_DIGEST_MISSING', 'no digest');
    const expected = request.headers[EXPECT_DIGEST_HEADER];
    if (expected !== undefined && (expected !== digest || is('guard.match')) && !is('guard.mismatch')) {
      if (is('guard.nothing-ran')) await mkdir(join(artifactsRoot, 'execution', String(body['execution_id'])), { recursive: true });
      throw new Refusal('ERR_REGISTRY_MISMATCH', 'another digest');
    }
    const mode = String(body['mode'] ?? (is('run.mode-default') ? 'real' : 'mock'));
    const missing = spec.secrets.required.filter((name) => secrets[name] === undefined);
    if (is('real.secret-first')) validated(body);
    if (mode === 'real' && missing.length > 0 && !is('real.missing-secret')) throw new Refusal('ERR_MISSING_SECRET', missing.join());
    const { executionId } = validated(body);
    const place = await prefixOf(body, executionId);
    if (mode === 'real') throw new Refusal('ERR_PROVIDER', is('secrets.answers') ? `401 for ${secretValues}` : 'no network');
    if (is('run.success') && request.url === '/run') throw new Refusal('ERR_RUNTIME', 'broken');
    return () => carryOut(body, executionId, mode, place, request.url !== '/run');
  };

  const admit = (): (() => void) => {
    const full = running >= (spec.runtime.concurrency ?? 8) && !is('busy.code');
    if (closing || full || (refusedOnce && is('busy.recovers'))) {
      refusedOnce = true;
      throw new Refusal('ERR_BUSY', 'busy');
    }
    running += 1;
    return () => {
      running -= 1;
      if (running === 0) settled();
    };
  };

  const send = (response: ServerResponse, status: number, body: unknown, type = 'application/json'): void => {
    response.writeHead(status, { 'content-type': type }).end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const refusal = (error: unknown, body: Body | undefined): { status: number; envelope: object } => {
    const known = error instanceof Refusal ? error : new Refusal('ERR_RUNTIME', String(error));
    const id = body?.['execution_id'];
    const envelope = {
      status: 'error',
      execution_id: typeof id === 'string' && EXECUTION_ID.test(id) ? id : null,
      error: { code: known.code, message: known.message },
      meta: {},
    };
    return { status: known.status, envelope };
  };
  const event = (name: string, data: unknown): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

  const run = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body: Body | undefined;
    try {
      body = await readBody(request);
      const work = await prepare(request, body);
      const release = admit();
      try {
        log('run.started', is('secrets.logs') ? { secrets } : {});
        send(response, 200, await work(), is('run.media-type') ? 'text/plain' : 'application/json');
      } finally {
        release();
      }
    } catch (error) {
      const { status, envelope } = refusal(error, body);
      send(response, status, is('error.envelope') ? { ...envelope, trace: 'at reference.ts' } : envelope);
    }
  };

  const stream = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body: Body | undefined;
    try {
      body = await readBody(request);
      const work = await prepare(request, body);
      const release = admit();
      try {
        response.writeHead(200, { 'content-type': is('stream.media-type') ? 'text/plain' : 'text/event-stream' });
        if (!is('stream.progress')) response.write(event('progress', { phase: 'started' }));
        const done = event('done', is('stream.done') ? { status: 'success' } : await work());
        response.end(is('stream.end') ? done + done : done);
      } finally {
        release();
      }
    } catch (error) {
      const { status, envelope } = refusal(error, body);
      if (response.headersSent) response.end(event('error', envelope));
      else if (is('stream.error')) send(response, status, envelope);
      else send(response, status, event('error', envelope), 'text/event-stream');
    }
  };

  const server = createServer((request, response) => {
    const health = { ok: !is('healthz.ok'), ref: is('healthz.ref') ? 'somebody/else@1' : spec.ref, image_digest: is('healthz.digest') ? OTHER_DIGEST : digest };
    const route = `${request.method} ${request.url}`;
    if (route === 'GET /healthz') send(response, 200, health, is('healthz.media-type') ? 'text/plain' : 'application/json');
    else if (route === 'POST /run') void run(request, response);
    else if (route === 'POST /run-stream') void stream(request, response);
    else if (route === 'GET /run' && is('route.method')) send(response, 200, {});
    else send(response, is('route.unknown') && request.url !== '/run' ? 200 : 404, {});
  });

  return {
    server,
    terminate: async () => {
      closing = true;
      if (is('shutdown.finishes')) server.closeAllConnections();
      if (running > 0) await new Promise<void>((resolve) => (settled = resolve));
      server.close();
      return is('shutdown.exit-code') ? 143 : 0;
    },
  };
};

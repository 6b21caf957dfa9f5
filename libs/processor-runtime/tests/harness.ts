import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from '@pinlane/testing';
import { createServer, type Processor, type ProcessorServer, type RuntimeSpec, type ServerOptions } from '../src/index.ts';

export const DIGEST = `sha256:${'ab'.repeat(32)}`;

export const SPEC: RuntimeSpec = {
  ref: 'acme/echo@1',
  port: 8000,
  cpu: 1,
  memoryGb: 2,
  gpu: null,
  timeoutMs: 60_000,
  concurrency: 2,
  secrets: { required: ['ACME_KEY'], optional: ['ACME_BASE'] },
  inputs: {
    type: 'object',
    additionalProperties: false,
    required: ['text'],
    properties: { text: { type: 'string', maxLength: 100 }, times: { type: 'integer', default: 2 } },
  },
  outputs: [],
};

export interface EchoParams {
  readonly text: string;
  readonly times: number;
}

/** A processor that writes its text. Its real runs return the length of the secret, which shows that they have it. */
export const echo: Processor<EchoParams> = {
  mock: async ({ params, output }) => void (await output('text/response.txt', params.text.repeat(params.times), { mime: 'text/plain' })),
  real: async ({ params, output, secret }) => {
    await output('text/response.txt', params.text, { mime: 'text/plain' });
    return { key_length: secret('ACME_KEY').length };
  },
};

/** A server that listens on a port of its own, with a folder of its own for artifacts. */
export interface Harness {
  readonly server: ProcessorServer;
  readonly url: string;
  readonly root: string;
  lines(): Record<string, unknown>[];
  logText(): string;
  body(more?: Readonly<Record<string, unknown>>): Record<string, unknown>;
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Response>;
  file(path: string): Promise<string>;
  close(): Promise<void>;
}

export const startServer = async <P>(processor: Processor<P>, options: Partial<ServerOptions> = {}): Promise<Harness> => {
  const root = temporaryFolder('runtime');
  const written: string[] = [];
  const server = createServer(processor, {
    spec: SPEC,
    env: {},
    imageDigest: DIGEST,
    artifactsRoot: root,
    writeLog: (line) => void written.push(line),
    ...options,
  });
  await server.app.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(server.app.server.address() as AddressInfo).port}`;
  return {
    server,
    url,
    root,
    lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>),
    logText: () => written.join(''),
    body: (more = {}) => ({
      schema: 'v1',
      execution_id: 'run-1',
      ref: SPEC.ref,
      inputs: { schema: 'v1', params: { text: 'hello' } },
      write_prefix: `${root}/out/{execution_id}/`,
      ...more,
    }),
    post: (path, body, headers = {}, signal) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...(signal === undefined ? {} : { signal }),
      }),
    file: (path) => readFile(join(root, path), 'utf8'),
    close: () => server.shutDown(),
  };
};

export interface Envelope {
  readonly status: string;
  readonly execution_id: string | null;
  readonly outputs: readonly { readonly path: string; readonly mime: string; readonly size_bytes: number; readonly sha256: string }[];
  readonly index_path: string;
  readonly error: { readonly code: string; readonly message: string };
  readonly meta: Readonly<Record<string, unknown>>;
}

export const envelopeOf = async (response: Response): Promise<Envelope> => (await response.json()) as Envelope;

/** The events of a server-sent stream that has ended. */
export const eventsOf = async (response: Response): Promise<{ event: string; data: Record<string, unknown> }[]> =>
  (await response.text())
    .split('\n\n')
    .filter((block) => block.includes('event: '))
    .map((block) => ({
      event: /^event: (.*)$/m.exec(block)?.[1] ?? '',
      data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? 'null') as Record<string, unknown>,
    }));

/** A promise that a test settles by hand. */
export const deferred = <T = void>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } => {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
};

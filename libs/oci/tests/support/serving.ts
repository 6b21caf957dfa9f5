import { request as httpRequest, type ClientRequest, type IncomingHttpHeaders } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';
import { temporaryFolder, type TestImage } from '@pinlane/testing';
import { serveStore, type ServeOptions, type StoreServer } from '../../src/serve/index.ts';
import { openStore, type Store } from '../../src/store/index.ts';
import { sha256 } from '../../src/content/index.ts';

export interface Asked {
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array | string;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The code of the first error in the body; undefined where it has none. */
  readonly code: string | undefined;
}

/** A store that is served for the length of a test. */
export interface Served extends StoreServer {
  readonly root: string;
  readonly host: string;
  readonly store: Store;
  readonly lines: string[];
  /** Sends a path as it is written here; a client of the platform would tidy it up first. */
  ask(method: string, path: string, asked?: Asked): Promise<Answered>;
  /** Begins a request, whose body is for the caller to write. */
  begin(method: string, path: string, headers?: Record<string, string>): ClientRequest;
  /** Uploads a blob in one request. */
  putBlob(repository: string, bytes: Uint8Array): Promise<string>;
  /** Starts an upload and gives the path to go on with. */
  startUpload(repository: string): Promise<string>;
}

const codeOf = (body: Buffer): string | undefined => {
  try {
    return (JSON.parse(body.toString()) as { errors?: { code: string }[] }).errors?.[0]?.code;
  } catch {
    return undefined;
  }
};

/** What a request is answered with. */
export const answered = async (request: ClientRequest): Promise<Answered> => {
  const [response] = await once(request, 'response');
  const body = Buffer.concat(await response.toArray());
  return { status: response.statusCode, headers: response.headers, body, code: codeOf(body) };
};

/** Serves stores that are closed after each test. */
export const serving = (): ((options?: Partial<ServeOptions>) => Promise<Served>) => {
  const servers: StoreServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });
  return async (options = {}) => {
    const root = options.root ?? join(temporaryFolder('oci'), 'store');
    const lines: string[] = [];
    const server = await serveStore({ log: (line) => lines.push(line), ...options, root });
    servers.push(server);
    const begin: Served['begin'] = (method, path, headers = {}) => httpRequest({ host: '127.0.0.1', port: server.port, method, path, headers, agent: false });
    const ask: Served['ask'] = (method, path, { headers, body } = {}) => {
      const request = begin(method, path, { ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }), ...headers });
      const done = answered(request);
      request.end(body);
      return done;
    };
    return {
      ...server,
      root,
      lines,
      host: `127.0.0.1:${server.port}`,
      store: openStore(root),
      begin,
      ask,
      async putBlob(repository, bytes) {
        const digest = sha256(bytes);
        const { status } = await ask('POST', `/v2/${repository}/blobs/uploads/?digest=${digest}`, { body: bytes });
        if (status !== 201) throw new Error(`a blob was answered with ${status}`);
        return digest;
      },
      async startUpload(repository) {
        const { headers } = await ask('POST', `/v2/${repository}/blobs/uploads/`, { body: '' });
        return headers.location as string;
      },
    };
  };
};

/** Pushes a whole image by digest, and tags its index where a tag is given. */
export const pushImage = async (served: Served, repository: string, image: TestImage, tag?: string): Promise<void> => {
  for (const { bytes } of image.blobs) await served.putBlob(repository, bytes);
  const put = async (reference: string, bytes: Uint8Array, mediaType: string) => {
    const { status, body } = await served.ask('PUT', `/v2/${repository}/manifests/${reference}`, { body: bytes, headers: { 'content-type': mediaType } });
    if (status !== 201) throw new Error(`a manifest was answered with ${status}: ${body.toString()}`);
  };
  for (const { bytes, descriptor } of image.platforms) await put(descriptor.digest, bytes, descriptor.mediaType);
  await put(tag ?? image.index.descriptor.digest, image.index.bytes, image.index.descriptor.mediaType);
};

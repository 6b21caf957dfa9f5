import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createGate, type RegistryAuth } from './auth.ts';
import { getManifest, listTags, putManifest, type Contents } from './contents.ts';
import { useRule, type Fault, type FaultRule } from './faults.ts';
import { listen, seenRequest, urlOf, type Listening, type SeenRequest } from './listen.ts';
import { errorReply, rangedReply, type Reply } from './reply.ts';
import { createHoldings, createUploads, type ChunkLimits } from './uploads.ts';

export interface RegistryOptions extends ChunkLimits {
  readonly auth?: RegistryAuth;
  readonly faults?: FaultRule[];
  /** Whether blobs are served from another origin (the same server by another name), as cloud registries do. */
  readonly blobsElsewhere?: boolean;
  /** Whether a repository has only the blobs that were uploaded or mounted to it, as in real registries; else each has all. */
  readonly separate?: boolean;
  /** Whether it mounts nothing, and begins an upload in place of that; as registries may. */
  readonly refusesMounts?: boolean;
}

/**
 * A registry in this process: as much of the distribution specification as a client needs to pull and push, and as strict as real registries
 * are. A repository is `<host>/<path>`.
 */
export interface TestRegistry extends Listening, Contents {
  readonly requests: SeenRequest[];
  /** Rules may be added while it runs. */
  readonly faults: FaultRule[];
  /** How many tokens were given out. */
  readonly tokens: () => number;
}

/** Answers requests that came past the gate. */
const createRoutes = (contents: Contents, options: RegistryOptions) => {
  const holdings = createHoldings(options.separate ?? false);
  const upload = createUploads(contents.blobs, holdings, options);

  const manifest = async (request: IncomingMessage, path: string, target: string): Promise<Reply> => {
    const { method, headers } = request;
    if (method !== 'PUT') return getManifest(contents, path, target, headers.accept);
    return putManifest(contents, path, target, headers['content-type'] ?? '', Buffer.concat(await request.toArray()));
  };

  const blob = ({ method, headers }: IncomingMessage, path: string, digest: string, port: string): Reply => {
    const bytes = holdings.has(path, digest) ? contents.blobs.get(digest) : undefined;
    if (!bytes) return errorReply(404, 'BLOB_UNKNOWN');
    if (options.blobsElsewhere && method === 'GET') return { status: 307, headers: { location: `http://localhost:${port}/elsewhere/${digest}` } };
    return rangedReply(bytes, headers.range);
  };

  return async (request: IncomingMessage, { pathname, port, searchParams }: URL): Promise<Reply> => {
    const tagged = /^\/v2\/(.+)\/tags\/list$/.exec(pathname)?.[1];
    if (tagged !== undefined) return listTags(contents, tagged, searchParams);
    const [, path, kind, target] = /^\/v2\/(.+)\/(manifests|blobs\/uploads|blobs)\/([^/]*)$/.exec(pathname) ?? [];
    if (path === undefined || kind === undefined || target === undefined) return pathname === '/v2/' ? { status: 200 } : errorReply(404, 'NAME_UNKNOWN');
    if (kind === 'blobs/uploads') return upload(request, { path, id: target, query: searchParams });
    return kind === 'manifests' ? manifest(request, path, target) : blob(request, path, target, port);
  };
};

const send = (response: ServerResponse, { status, headers = {}, body = Buffer.alloc(0) }: Reply, head: boolean, fault: Fault | undefined): void => {
  response.writeHead(status, { 'content-length': String(body.length), ...headers, ...(fault?.kind === 'headers' ? fault.headers : {}) });
  if (fault?.kind !== 'truncate') return void response.end(head ? undefined : body);
  response.write(body.subarray(0, fault.bytes), () => response.destroy());
};

/** Starts a registry on a free port, without anything in it. */
export const startRegistry = async (options: RegistryOptions = {}): Promise<TestRegistry> => {
  const requests: SeenRequest[] = [];
  const faults = options.faults ?? [];
  const contents: Contents = { blobs: new Map(), manifests: new Map() };
  const gate = createGate(options.auth);
  const route = createRoutes(contents, options);

  const answer = async (request: IncomingMessage): Promise<Reply> => {
    const url = urlOf(request);
    const token = await gate.token(request, url);
    if (token) return token;
    // The address itself is the permission to read there.
    const elsewhere = /^\/elsewhere\/(.+)$/.exec(url.pathname)?.[1];
    if (elsewhere !== undefined) return rangedReply(contents.blobs.get(elsewhere) ?? Buffer.alloc(0), request.headers.range);
    return gate.check(request, url) ?? route(request, url);
  };

  const server = createServer((request, response) => {
    const seen = seenRequest(request);
    requests.push(seen);
    const fault = useRule(faults, seen)?.fault;
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'reset') return void request.socket.destroy();
    const reply = fault?.kind === 'answer' ? Promise.resolve({ ...fault, body: Buffer.from(fault.body ?? '') }) : answer(request);
    reply
      .catch((error: unknown) => errorReply(500, 'UNKNOWN', String(error)))
      .then((ready) => {
        request.resume();
        send(response, ready, request.method === 'HEAD', fault);
      });
  });
  return { ...(await listen(server)), ...contents, requests, faults, tokens: gate.issued };
};

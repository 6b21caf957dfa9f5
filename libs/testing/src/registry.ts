import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGate, type RegistryAuth } from './registry-auth.ts';

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A request as the registry saw it. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** The host that was addressed: `127.0.0.1:<port>`, or another name of the same server. */
  readonly host: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What goes wrong instead of, or with, the right answer. */
export type Fault =
  /** Answers with this and nothing else. */
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: Record<string, string>; readonly body?: string | Uint8Array }
  /** Gives the right answer, with some headers replaced. */
  | { readonly kind: 'headers'; readonly headers: Record<string, string> }
  /** Announces the whole body, sends so many bytes of it and cuts the connection. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** Cuts the connection before answering. */
  | { readonly kind: 'reset' }
  /** Never answers. */
  | { readonly kind: 'hang' };

export interface FaultRule {
  readonly when: (request: SeenRequest) => boolean;
  /** How many requests it spoils; all where it is left out. */
  times?: number;
  readonly fault: Fault;
}

export interface RegistryOptions {
  readonly auth?: RegistryAuth;
  readonly faults?: FaultRule[];
  /** Blobs are served from another origin (the same server by another name), as cloud registries do. */
  readonly blobsElsewhere?: boolean;
  /** The largest chunk that is taken, in bytes; a larger one is answered as GitHub's registry does. */
  readonly largestChunk?: number;
  /** The smallest one but the last, in bytes, which is announced. */
  readonly smallestChunk?: number;
}

/** A registry in this process: as much of the distribution specification as a client needs to pull and push, strict where real ones are. */
export interface TestRegistry {
  /** `127.0.0.1:<port>`; a repository is `<host>/<path>`. */
  readonly host: string;
  readonly requests: SeenRequest[];
  /** Rules may be added while it runs. */
  readonly faults: FaultRule[];
  /** By digest; all repositories share them. */
  readonly blobs: Map<string, Uint8Array>;
  /** By `<path>@<digest>` and `<path>:<tag>`. */
  readonly manifests: Map<string, { readonly mediaType: string; readonly bytes: Uint8Array }>;
  /** How many tokens were given out. */
  readonly tokens: () => number;
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array;
}

const errorReply = (status: number, code: string, message = code.toLowerCase()): Reply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify({ errors: [{ code, message }] })),
});

const readBody = async (request: IncomingMessage): Promise<Uint8Array> => Buffer.concat(await request.toArray());

/** A part of a body by its Range header; only `bytes=<from>-` is understood. */
const ranged = (bytes: Uint8Array, range: string | undefined): Reply => {
  const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? NaN);
  if (Number.isNaN(from)) return { status: 200, body: bytes };
  if (from >= bytes.length) return { status: 416 };
  return { status: 206, headers: { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }, body: bytes.subarray(from) };
};

export const startRegistry = async (options: RegistryOptions = {}): Promise<TestRegistry> => {
  const requests: SeenRequest[] = [];
  const faults = options.faults ?? [];
  const blobs: TestRegistry['blobs'] = new Map();
  const manifests: TestRegistry['manifests'] = new Map();
  const uploads = new Map<string, Uint8Array>();
  const gate = createGate(options.auth);

  const putManifest = (path: string, target: string, mediaType: string, bytes: Uint8Array): Reply => {
    const digest = sha256(bytes);
    if (target.startsWith('sha256:') && target !== digest) return errorReply(400, 'DIGEST_INVALID');
    const {
      config,
      layers = [],
      manifests: children = [],
    } = JSON.parse(Buffer.from(bytes).toString()) as Record<string, { digest: string }[]> & { config?: { digest: string } };
    const named = [...(config ? [config] : []), ...layers];
    if (named.some((blob) => !blobs.has(blob.digest)) || children.some((child) => !manifests.has(`${path}@${child.digest}`)))
      return errorReply(400, 'MANIFEST_BLOB_UNKNOWN');
    manifests.set(`${path}@${digest}`, { mediaType, bytes });
    if (target !== digest) manifests.set(`${path}:${target}`, { mediaType, bytes });
    return { status: 201, headers: { location: `/v2/${path}/manifests/${digest}`, 'docker-content-digest': digest } };
  };

  const uploadHeaders = (path: string, session: string): Record<string, string> => ({
    location: `/v2/${path}/blobs/uploads/${session}?state=a%2Bb`,
    range: `0-${Math.max(0, (uploads.get(session)?.length ?? 0) - 1)}`,
  });

  const takeChunk = (path: string, id: string, bytes: Uint8Array, range: string | undefined): Reply => {
    const { largestChunk = Infinity, smallestChunk = 0 } = options;
    const before = uploads.get(id)!;
    if (bytes.length > largestChunk) return errorReply(416, 'REQUESTED_RANGE_NOT_SATISFIABLE', 'the request body is too large');
    // The last one may be smaller, so a small one is wrong as soon as another comes.
    if (smallestChunk > 0 && before.length % smallestChunk > 0) return errorReply(400, 'SIZE_INVALID');
    if (Number(/^(\d+)-\d+$/.exec(range ?? '')?.[1]) !== before.length) return { ...errorReply(416, 'BLOB_UPLOAD_INVALID'), headers: uploadHeaders(path, id) };
    uploads.set(id, Buffer.concat([before, bytes]));
    return { status: 202, headers: uploadHeaders(path, id) };
  };

  const upload = async (request: IncomingMessage, path: string, id: string, query: URLSearchParams): Promise<Reply> => {
    if (request.method === 'POST') {
      if (blobs.has(query.get('mount') ?? '')) return { status: 201, headers: { location: `/v2/${path}/blobs/${query.get('mount')}` } };
      const session = randomUUID();
      uploads.set(session, Buffer.alloc(0));
      const smallest = options.smallestChunk === undefined ? {} : { 'oci-chunk-min-length': String(options.smallestChunk) };
      return { status: 202, headers: { ...uploadHeaders(path, session), ...smallest } };
    }
    const bytes = await readBody(request);
    const before = uploads.get(id);
    if (before === undefined || query.get('state') !== 'a+b') return errorReply(404, 'BLOB_UPLOAD_UNKNOWN');
    if (request.method === 'GET') return { status: 204, headers: uploadHeaders(path, id) };
    if (request.method === 'PATCH') return takeChunk(path, id, bytes, request.headers['content-range']);
    uploads.delete(id);
    const whole = Buffer.concat([before, bytes]);
    const digest = query.get('digest') ?? '';
    if (sha256(whole) !== digest) return errorReply(400, 'DIGEST_INVALID');
    blobs.set(digest, whole);
    return { status: 201, headers: { location: `/v2/${path}/blobs/${digest}` } };
  };

  const listTags = (path: string, query: URLSearchParams): Reply => {
    const all = [...manifests.keys()].filter((key) => key.startsWith(`${path}:`)).map((key) => key.slice(path.length + 1));
    const left = all.sort().filter((tag) => tag > (query.get('last') ?? ''));
    const tags = left.slice(0, Number(query.get('n') ?? left.length));
    const link = tags.length < left.length ? { link: `</v2/${path}/tags/list?n=${query.get('n')}&last=${tags.at(-1)}>; rel="next"` } : {};
    return { status: 200, headers: { 'content-type': 'application/json', ...link }, body: Buffer.from(JSON.stringify({ name: path, tags })) };
  };

  const answer = async (request: IncomingMessage, url: URL): Promise<Reply> => {
    const elsewhere = /^\/elsewhere\/(.+)$/.exec(url.pathname);
    if (elsewhere) return ranged(blobs.get(elsewhere[1]!) ?? Buffer.alloc(0), request.headers.range);
    const refused = gate.check(request, url);
    if (refused) return refused;
    const tagged = /^\/v2\/(.+)\/tags\/list$/.exec(url.pathname)?.[1];
    if (tagged !== undefined) return listTags(tagged, url.searchParams);
    const [, path, kind, target] = /^\/v2\/(.+)\/(manifests|blobs\/uploads|blobs)\/([^/]*)$/.exec(url.pathname) ?? [];
    if (path === undefined || kind === undefined || target === undefined) return url.pathname === '/v2/' ? { status: 200 } : errorReply(404, 'NAME_UNKNOWN');
    if (kind === 'blobs/uploads') return upload(request, path, target, url.searchParams);
    if (kind === 'manifests') {
      if (request.method === 'PUT') return putManifest(path, target, request.headers['content-type'] ?? '', await readBody(request));
      const found = manifests.get(`${path}${target.startsWith('sha256:') ? '@' : ':'}${target}`);
      // As docker-registry does: without an Accept that fits, a manifest is as good as not there.
      if (!found || !(request.headers.accept ?? '').includes(found.mediaType)) return errorReply(404, 'MANIFEST_UNKNOWN');
      return { status: 200, headers: { 'content-type': found.mediaType, 'docker-content-digest': sha256(found.bytes) }, body: found.bytes };
    }
    const bytes = blobs.get(target);
    if (!bytes) return errorReply(404, 'BLOB_UNKNOWN');
    if (options.blobsElsewhere && request.method === 'GET') return { status: 307, headers: { location: `http://localhost:${url.port}/elsewhere/${target}` } };
    return ranged(bytes, request.headers.range);
  };

  const respond = (response: ServerResponse, { status, headers = {}, body = Buffer.alloc(0) }: Reply, head: boolean, fault: Fault | undefined): void => {
    response.writeHead(status, { 'content-length': String(body.length), ...headers, ...(fault?.kind === 'headers' ? fault.headers : {}) });
    if (fault?.kind !== 'truncate') return void response.end(head ? undefined : body);
    response.write(body.subarray(0, fault.bytes), () => response.destroy());
  };

  const server = createServer((request, response) => {
    const seen: SeenRequest = { method: request.method ?? '', url: request.url ?? '', host: request.headers.host ?? '', headers: request.headers };
    requests.push(seen);
    const rule = faults.find(({ when, times }) => times !== 0 && when(seen));
    if (rule?.times !== undefined) rule.times--;
    const fault = rule?.fault;
    const head = request.method === 'HEAD';
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'reset') return void request.socket.destroy();
    if (fault?.kind === 'answer') {
      request.resume();
      return respond(
        response,
        { status: fault.status, ...(fault.headers ? { headers: fault.headers } : {}), body: Buffer.from(fault.body ?? '') },
        head,
        fault,
      );
    }
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    const reply = gate.token(request, url) ?? answer(request, url);
    Promise.resolve(reply).then(
      (ready) => {
        request.resume();
        respond(response, ready, head, fault);
      },
      (error: unknown) => respond(response, errorReply(500, 'UNKNOWN', String(error)), head, fault),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    requests,
    faults,
    blobs,
    manifests,
    tokens: gate.issued,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

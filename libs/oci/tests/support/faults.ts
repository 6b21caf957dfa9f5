import type { ErrorCode } from '@pinlane/contracts';
import type { ProxyFault, SeenRequest } from '@pinlane/testing';
import { OCI_INDEX, OCI_MANIFEST } from '../../src/index.ts';

/** One kind of request that a push or a pull makes. */
export interface RequestKind {
  readonly name: string;
  readonly work: 'push' | 'pull';
  readonly is: (request: SeenRequest) => boolean;
  /** Whether its right answer has a body. */
  readonly body: boolean;
  /** How the work ends where it always gets a 404. */
  readonly missing: ErrorCode;
}

const path = ({ url }: SeenRequest): string => url.split('?')[0]!;
const at = (method: string, pattern: RegExp) => (request: SeenRequest) => request.method === method && pattern.test(path(request));
const typed =
  (type: string, is: RequestKind['is']): RequestKind['is'] =>
  (request) =>
    is(request) && request.headers['content-type'] === type;
const empty = ({ headers }: SeenRequest) => (headers['content-length'] ?? '0') === '0';

const byDigest = /\/manifests\/sha256:/;
const byTag = /\/manifests\/pin-/;
const upload = /\/blobs\/uploads\/./;
const put = at('PUT', upload);

/** Every kind of request that pushing an image takes, its layers in chunks, and those that pulling it takes. */
export const requestKinds = (): RequestKind[] => [
  { name: 'the token for a push', work: 'push', is: at('GET', /^\/token$/), body: true, missing: 'ERR_REGISTRY_AUTH' },
  { name: 'HEAD of a blob', work: 'push', is: at('HEAD', /\/blobs\//), body: false, missing: 'ERR_BLOB_UNKNOWN' },
  { name: 'POST of an upload', work: 'push', is: at('POST', /\/blobs\/uploads\/$/), body: false, missing: 'ERR_REGISTRY_DENIED' },
  { name: 'PUT of a whole blob', work: 'push', is: (request) => put(request) && !empty(request), body: false, missing: 'ERR_REGISTRY_UNAVAILABLE' },
  { name: 'PATCH with a chunk', work: 'push', is: at('PATCH', upload), body: false, missing: 'ERR_REGISTRY_UNAVAILABLE' },
  { name: 'PUT that ends chunks', work: 'push', is: (request) => put(request) && empty(request), body: false, missing: 'ERR_REGISTRY_UNAVAILABLE' },
  { name: 'PUT of a manifest', work: 'push', is: typed(OCI_MANIFEST, at('PUT', byTag)), body: false, missing: 'ERR_REGISTRY_PROTOCOL' },
  { name: 'PUT of the index', work: 'push', is: typed(OCI_INDEX, at('PUT', byTag)), body: false, missing: 'ERR_REGISTRY_PROTOCOL' },
  { name: 'GET that reads a manifest back', work: 'push', is: at('GET', byDigest), body: true, missing: 'ERR_MANIFEST_UNKNOWN' },
  { name: 'GET that reads a tag back', work: 'push', is: at('GET', byTag), body: true, missing: 'ERR_MANIFEST_UNKNOWN' },
  { name: 'the token for a pull', work: 'pull', is: at('GET', /^\/token$/), body: true, missing: 'ERR_REGISTRY_AUTH' },
  { name: 'GET of a manifest', work: 'pull', is: at('GET', byDigest), body: true, missing: 'ERR_MANIFEST_UNKNOWN' },
  { name: 'GET of a blob', work: 'pull', is: at('GET', /\/blobs\//), body: true, missing: 'ERR_BLOB_UNKNOWN' },
];

export interface Row {
  readonly fault: string;
  readonly kind: RequestKind;
  readonly make: (place: { readonly proxy: string; readonly stranger: string }) => ProxyFault;
  /** How many requests it spoils; all where it is left out. */
  readonly times?: number;
  /** How many requests of the kind it lets pass before. */
  readonly after?: number;
  readonly expected: ErrorCode | 'succeeds';
  /** How long nothing may happen, in ms, where that is the fault. */
  readonly idleMs?: number;
}

type Make = Row['make'];
const answer =
  (status: number, headers: Record<string, string> = {}, body = ''): Make =>
  () => ({ kind: 'answer', status, headers, body });
const errors = (code: string, message: string) => JSON.stringify({ errors: [{ code, message }] });
const challenge: Make = ({ proxy }) => ({
  kind: 'answer',
  status: 401,
  headers: { 'www-authenticate': `Bearer realm="http://${proxy}/token",service="test"` },
  body: errors('UNAUTHORIZED', 'token expired'),
});
const IDLE_MS = 250;
const half = (body: Buffer) => body.subarray(0, body.length >> 1);
const flipped = (body: Buffer) => Buffer.from(body).fill(body.at(-3)! ^ 1, body.length - 3, body.length - 2);

/** Faults that pass, laid on one request of a kind: the work succeeds all the same. */
const passing: readonly (readonly [string, Make, Partial<Row>?])[] = [
  ['429 and nothing more', answer(429)],
  ['429 with seconds', answer(429, { 'retry-after': '2' }, errors('TOOMANYREQUESTS', 'slow down'))],
  ['429 with a date', answer(429, { 'retry-after': new Date(Date.now() + 3000).toUTCString() })],
  ['429 with a wait in its body', answer(429, {}, 'toomanyrequests: retry-after: 575.345µs, allowed: 44000/minute')],
  ['403 for a secondary rate limit', answer(403, {}, JSON.stringify({ message: 'You have exceeded a secondary rate limit' }))],
  ['500', answer(500)],
  ['502 with a page', answer(502, { 'content-type': 'text/html' }, '<html>')],
  ['503', answer(503, {}, errors('UNAVAILABLE', 'later'))],
  ['504', answer(504)],
  ['a reset', () => ({ kind: 'reset' })],
  ['an answer that is lost', () => ({ kind: 'lose-answer' })],
  ['no answer at all', () => ({ kind: 'hang' }), { idleMs: IDLE_MS }],
];

const rowsOf = (kind: RequestKind): Row[] => {
  const isToken = kind.name.startsWith('the token');
  const isHead = kind.name.startsWith('HEAD');
  const rows: Row[] = passing.map(([fault, make, more]) => ({ fault, kind, make, times: 1, expected: 'succeeds', ...more }));
  // A HEAD can't say why it is refused, so a GET is asked.
  const denied = isToken ? 'ERR_REGISTRY_AUTH' : isHead ? 'succeeds' : 'ERR_REGISTRY_DENIED';
  const add = (fault: string, make: Make, expected: Row['expected'], more: Partial<Row> = {}) => void rows.push({ fault, kind, make, expected, ...more });

  add('429 without end', answer(429), 'ERR_REGISTRY_UNAVAILABLE');
  add('429 until tomorrow', answer(429, { 'retry-after': '86400' }), 'ERR_REGISTRY_UNAVAILABLE');
  add('503 without end', answer(503), 'ERR_REGISTRY_UNAVAILABLE');
  add('resets without end', () => ({ kind: 'reset' }), 'ERR_REGISTRY_UNAVAILABLE');
  add('denied', answer(403, {}, errors('DENIED', 'no')), denied);
  add('unauthorized', isToken ? answer(401) : challenge, 'ERR_REGISTRY_AUTH');
  // One that was good once: a token that is refused at its first use is not renewed.
  if (!isToken) add('a token that has ended', challenge, 'succeeds', { times: 1, after: isHead ? 2 : kind.work === 'pull' ? 1 : 0 });
  add(
    'redirects in a circle',
    ({ proxy }) => ({ kind: 'answer', status: 307, headers: { location: `http://${proxy}/token/circle` } }),
    'ERR_REGISTRY_PROTOCOL',
  );
  add('a redirect to a stranger', ({ stranger }) => ({ kind: 'answer', status: 307, headers: { location: `http://${stranger}/taken` } }), kind.missing);
  if (kind.body) {
    add('a body that breaks off', () => ({ kind: 'truncate', bytes: 40 }), 'succeeds', { times: 1 });
    add('a body that breaks off without end', () => ({ kind: 'truncate', bytes: 0 }), 'ERR_REGISTRY_UNAVAILABLE');
    add('a body that stalls', () => ({ kind: 'stall', bytes: 40 }), 'succeeds', { times: 1, idleMs: IDLE_MS });
    add('a length that is too large', () => ({ kind: 'headers', headers: { 'content-length': '9999' } }), 'succeeds', { times: 1, idleMs: IDLE_MS });
    const wrong = isToken ? 'ERR_REGISTRY_PROTOCOL' : kind.name.includes('tag') ? 'ERR_MANIFEST_INVALID' : 'ERR_DIGEST_MISMATCH';
    const resumes = kind.name === 'GET of a blob';
    add('a shorter body', () => ({ kind: 'body', change: half }), resumes ? 'succeeds' : wrong, resumes ? { times: 1 } : {});
    if (!isToken) {
      add('other bytes', () => ({ kind: 'body', change: flipped }), kind.name.includes('tag') ? 'ERR_MANIFEST_INVALID' : 'ERR_DIGEST_MISMATCH');
      if (!resumes) add('5 MB', () => ({ kind: 'body', change: () => Buffer.alloc(5_000_000, ' ') }), 'ERR_MANIFEST_INVALID');
    }
  }
  if (!isToken) {
    add('a digest header that lies', () => ({ kind: 'headers', headers: { 'docker-content-digest': `sha256:${'0'.repeat(64)}` } }), 'succeeds');
    add('no digest header', () => ({ kind: 'without', headers: ['docker-content-digest'] }), 'succeeds');
  }
  if (/^(?:PUT|PATCH)/.test(kind.name)) {
    add('a body that breaks off on the way there', () => ({ kind: 'cut-request', bytes: 20 }), 'succeeds', { times: 1 });
    // Whoever is told of a success and finds nothing: what can be sent again is, and what is missing in the end is named.
    add('201 for nothing', answer(201), kind.name === 'PUT of the index' ? 'ERR_MANIFEST_UNKNOWN' : 'succeeds', { times: 1 });
  }
  if (isHead) add('200 for what is not there', answer(200), 'succeeds', { times: 2 });
  return rows;
};

/** The whole table: a row for each fault and each kind of request. */
export const faultTable = (): Row[] => requestKinds().flatMap(rowsOf);

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token as GitHub gives a job, with the scopes that BuildKit looks for in it. */
const jobToken = (): string =>
  [
    base64url({ alg: 'none' }),
    base64url({
      ac: JSON.stringify([{ Scope: 'refs/heads/main', Permission: 3 }]),
      nonce: Math.random(),
      exp: Math.floor(Date.now() / 1000) + 3600,
      nbf: 0,
      iat: 0,
    }),
    'canary',
  ].join('.');

/** GitHub's cache service, as far as BuildKit speaks to it (version 1): looking up, reserving, uploading and committing entries, with the token. */
export const startActionsCache = async () => {
  const token = jobToken();
  const entries = new Map<number, { key: string; version: string; bytes: Buffer; committed: boolean }>();
  let found = 0;
  const server = createServer(async (request, response) => {
    const answer = (status: number, body?: unknown): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(body === undefined ? undefined : JSON.stringify(body));
    const url = new URL(request.url ?? '/', 'http://cache');
    const body = await buffer(request);
    const archive = /^\/archives\/(\d+)$/.exec(url.pathname);
    if (archive) {
      const { bytes } = entries.get(Number(archive[1]))!;
      const [, first = '0', last = ''] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
      const part = bytes.subarray(Number(first), last === '' ? undefined : Number(last) + 1);
      response
        .writeHead(206, { 'content-range': `bytes ${first}-${Number(first) + part.length - 1}/${bytes.length}`, 'content-length': part.length })
        .end(part);
      return;
    }
    if (request.headers.authorization !== `Bearer ${token}`) return answer(401);
    const at = /\/caches\/(\d+)$/.exec(url.pathname);
    if (at) {
      const entry = entries.get(Number(at[1]))!;
      if (request.method === 'PATCH') entry.bytes = Buffer.concat([entry.bytes, body]);
      else entry.committed = true;
      return answer(204);
    }
    if (request.method === 'POST' && url.pathname.endsWith('/caches')) {
      const { key, version } = JSON.parse(body.toString()) as { key: string; version: string };
      if ([...entries.values()].some((entry) => entry.key === key && entry.version === version)) return answer(409, { message: 'exists' });
      entries.set(entries.size + 1, { key, version, bytes: Buffer.alloc(0), committed: false });
      return answer(201, { cacheId: entries.size });
    }
    const keys = (url.searchParams.get('keys') ?? '').split(',');
    const hit = [...entries].findLast(([, { key, committed }]) => committed && keys.some((wanted) => key.startsWith(wanted)));
    if (!hit) return answer(204);
    found += 1;
    return answer(200, { cacheKey: hit[1].key, scope: 'refs/heads/main', archiveLocation: `${address}/archives/${hit[0]}` });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: address,
    token,
    /** The keys of what was saved whole. */
    saved: (): string[] => [...entries.values()].filter(({ committed }) => committed).map(({ key }) => key),
    /** How often something that was asked for was there. */
    found: (): number => found,
    close: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
};

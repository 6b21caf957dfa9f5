import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { fail, type Architecture } from '@pinlane/contracts';
import { maker, type TreeEntry } from '../tree/entry.ts';

const PRODUCER = 'Node';
const { directory, file, symlink } = maker(PRODUCER);
const MAX_LICENCE = 4 * 1024 * 1024;

/** The machine that an ELF file is for (System V ABI, ELF header, `e_machine`), as far as we know it. */
export const elfArchitecture = (head: Uint8Array): Architecture | null => {
  if (head.length < 20 || head[0] !== 0x7f || head[1] !== 0x45 || head[2] !== 0x4c || head[3] !== 0x46) return null;
  const machine = Buffer.from(head.buffer, head.byteOffset, head.byteLength).readUInt16LE(18);
  return machine === 62 ? 'amd64' : machine === 183 ? 'arm64' : null;
};

async function* checked(body: AsyncIterable<Uint8Array>, architecture: Architecture): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | null = new Uint8Array();
  for await (const chunk of body) {
    if (head === null) yield chunk;
    else {
      head = Buffer.concat([head, chunk]);
      if (head.length < 20) continue;
      if (elfArchitecture(head) !== architecture) fail('ERR_DIGEST_MISMATCH', `the Node for ${architecture} is no program for ${architecture}`);
      yield head;
      head = null;
    }
  }
  if (head !== null) fail('ERR_DIGEST_MISMATCH', `the Node for ${architecture} is no program for ${architecture}`);
}

const collect = async (body: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const FOLDERS = ['usr', 'usr/local', 'usr/local/bin'];
const DOCUMENTS = ['usr/local/share', 'usr/local/share/doc', 'usr/local/share/doc/node'];

/**
 * The entries of the Node layer, in the order of their paths: the program, the link that Debian's scripts expect, the licence. The program's
 * bytes are streamed out of the tarball and can be read once, before the next entry is asked for.
 * @throws ERR_DIGEST_MISMATCH where the tarball does not hold what it should
 */
export async function* nodeEntries(tarball: string, architecture: Architecture): AsyncGenerator<TreeEntry> {
  const entries = extract();
  const source = createReadStream(tarball, { highWaterMark: 256 * 1024 });
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  source.on('error', (error) => gunzip.destroy(error)).pipe(gunzip);
  gunzip.on('error', (error) => entries.destroy(error)).pipe(entries);
  yield* FOLDERS.map((path) => directory(path));
  let licence: Buffer | null = null;
  let program = false;
  try {
    for await (const body of entries) {
      const { name, type, size } = body.header;
      // tar-stream's bodies are streamx streams, whose declared type says nothing of what they yield.
      const bytes = body as unknown as AsyncIterable<Uint8Array>;
      if (name === 'package/bin/node' && type === 'file' && size > 0) {
        program = true;
        const content = { size, open: () => Readable.from(checked(bytes, architecture), { objectMode: false, highWaterMark: 256 * 1024 }) };
        yield { type: 'file', path: 'usr/local/bin/node', mode: 0o755, uid: 0, gid: 0, producer: PRODUCER, content };
      } else if (name === 'package/LICENSE' && type === 'file' && size <= MAX_LICENCE) licence = await collect(bytes);
      body.resume();
    }
  } finally {
    source.destroy();
  }
  if (!program || licence === null) return fail('ERR_DIGEST_MISMATCH', `the Node package for ${architecture} holds no ${program ? 'licence' : 'bin/node'}`);
  yield symlink('usr/local/bin/nodejs', 'node');
  yield* DOCUMENTS.map((path) => directory(path));
  yield file('usr/local/share/doc/node/LICENSE', licence);
}

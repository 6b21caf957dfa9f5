import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { codeOf, temporaryFolder } from '@pinlane/testing';
import { openStore, readBuildContext, type Store } from '../../../src/index.ts';

const never = (): Promise<never> => new Promise(() => undefined);

async function* held(): AsyncGenerator<Uint8Array, void, void> {
  yield Buffer.from('begun');
  await never();
}

type Blob = Awaited<ReturnType<Store['writeBlob']>>;

const WORK: [string, (store: Store, blob: Blob) => Promise<unknown>][] = [
  ['reading a blob', (store, blob) => buffer(store.openBlob(blob))],
  ['reading a manifest', (store, { digest }) => store.readManifest(digest)],
  ['writing', (store) => store.writeBlob(held())],
  ['collecting', (store) => store.collect({ keep: [], graceMs: -1000 })],
];

describe('A store whose work is broken off', () => {
  it.each(WORK)('ends %s, and keeps what was there', async (_, work) => {
    const root = temporaryFolder('store');
    const blob = await openStore(root).writeBlob(Buffer.alloc(1000));
    const controller = new AbortController();
    const store = openStore(root, { signal: controller.signal });
    setImmediate(() => controller.abort());
    if (work !== WORK[2]![1]) controller.abort();
    expect(await codeOf(() => work(store, blob))).toBe('ERR_CANCELLED');
    expect(await openStore(root).hasBlob(blob)).toBe(true);
    expect(readdirSync(root, { recursive: true }).filter((name) => String(name).endsWith('.tmp'))).toEqual([]);
  });

  it('ends the reading of a context, too', async () => {
    const folder = temporaryFolder('context');
    writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\n');
    expect(await codeOf(() => readBuildContext(folder, { signal: AbortSignal.abort() }))).toBe('ERR_CANCELLED');
  });
});

import { join } from 'node:path';
import { readFile, rename, utimes, writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { makeImage, putImage, temporaryFolder } from '@pinlane/testing';
import { openStore } from '../../../src/store/index.ts';

describe('The names of a store', () => {
  it('are seen as another process left them a moment ago, every time', async () => {
    const root = join(temporaryFolder('oci'), 'store');
    const [reader, writer] = [openStore(root), openStore(root)];
    const images = [makeImage(), makeImage()];
    for (const image of images) await putImage(writer, image);
    for (let round = 0; round < 60; round++) {
      const { descriptor } = images[round % 2]!.index;
      await writer.name('app', descriptor);
      expect((await reader.resolve('app')).digest).toBe(descriptor.digest);
    }
  });

  it('are read again where index.json is another file of the same age and size', async () => {
    const root = join(temporaryFolder('oci'), 'store');
    const store = openStore(root);
    const image = makeImage();
    await putImage(store, image);
    await store.name('app', image.index.descriptor);
    const index = join(root, 'index.json');
    const long = new Date(Date.now() - 60_000);
    await utimes(index, long, long);
    const first = await store.names();
    expect([...first.keys()]).toEqual(['app']);
    const bytes = await readFile(index, 'utf8');
    await writeFile(`${index}.new`, bytes.replace('"app"', '"new"'));
    await utimes(`${index}.new`, long, long);
    await rename(`${index}.new`, index);
    expect([...(await store.names()).keys()]).toEqual(['new']);
  });

  it('may be given by hundreds at once, who wait for each other and not for their patience to end', async () => {
    const store = openStore(join(temporaryFolder('oci'), 'store'), { patienceMs: 0 });
    const image = makeImage();
    await putImage(store, image);
    const names = Array.from({ length: 200 }, (_, number) => `app:${number}`);
    await Promise.all(names.map((name) => store.name(name, image.index.descriptor)));
    expect([...(await store.names()).keys()]).toEqual([...names].sort());
  });
});

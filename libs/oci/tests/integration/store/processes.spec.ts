import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import type { Digest } from '@pinlane/contracts';
import { codeOf, errorOf, makeImage, putImage, temporaryFolder } from '@pinlane/testing';
import { openStore } from '../../../src/index.ts';
import { newHolder } from '../../../src/files/holder.ts';
import { verifyWhole } from '../../support/images.ts';
import { writers, type Writer } from '../../support/processes.ts';

jest.setTimeout(120_000);

const start = writers();

/** What writers said that they had named, the last word of each name last. */
const said = (...from: Writer[]) => from.flatMap(({ lines }) => lines.map((line) => line.split(' ') as [string, Digest]));

describe('Several processes that write to one store', () => {
  it('each find all they named, and what they shared is whole', async () => {
    const root = temporaryFolder('oci');
    const several = ['a', 'b', 'c', 'd'].map((id) => start('write', root, id, '3'));
    await Promise.all(several.map(({ done }) => done));
    const store = openStore(root);
    const names = await store.names();
    const own = said(...several).filter(([name]) => name !== 'shared');
    expect(own).toHaveLength(12);
    for (const [name, digest] of own) {
      expect([name, names.get(name)?.digest]).toEqual([name, digest]);
      await verifyWhole(store, digest);
    }
    expect(said(...several).map(([, digest]) => digest)).toContain(names.get('shared')?.digest);
    expect(names.size).toBe(13);
    expect(await readdir(join(root, '.pinlane-tmp'))).toEqual([]);
  });

  it('lose nothing that was named when they are killed at any moment, and leave a store that others go on with', async () => {
    const root = temporaryFolder('oci');
    const killed: Writer[] = [];
    for (let round = 0; round < 3; round++) {
      const pair = ['x', 'y'].map((id) => start('write', root, `${id}${round}`, '1000'));
      await Promise.all(pair.map((writer) => writer.said(1)));
      await sleep(Math.random() * 40);
      await Promise.all(pair.map((writer) => writer.kill()));
      killed.push(...pair);
    }
    const store = openStore(root);
    const image = makeImage();
    await putImage(store, image);
    await store.name('after', image.index.descriptor);
    const names = await store.names();
    for (const [name, digest] of said(...killed).filter(([each]) => each !== 'shared')) expect([name, names.get(name)?.digest]).toEqual([name, digest]);
    // Also what was named and not yet said.
    for (const { digest } of names.values()) await verifyWhole(store, digest);
    await store.collect({ keep: [], graceMs: -1000 });
    for (const { digest } of names.values()) await verifyWhole(store, digest);
    expect(await readdir(join(root, '.pinlane-tmp'))).toEqual([]);
  });
});

describe('Garbage collection beside writers', () => {
  it('takes nothing away from those who use again what was garbage', async () => {
    const root = temporaryFolder('oci');
    const store = openStore(root);
    const ids = ['a', 'b', 'c'];
    for (const id of ids) for (let round = 0; round < 15; round++) await putImage(store, makeImage({ mark: `old ${id} ${round}` }));
    const unwanted = makeImage();
    await putImage(store, unwanted);
    const blobs = join(root, 'blobs', 'sha256');
    for (const hex of await readdir(blobs)) await utimes(join(blobs, hex), 1, 1);
    const collecting = start('collect', root, 'gc', '1');
    const using = ids.map((id) => start('reuse', root, id, '15'));
    await Promise.all(using.map(({ done }) => done));
    await collecting.said(collecting.lines.length + 1);
    await collecting.kill();
    const names = await store.names();
    expect(names.size).toBe(45);
    for (const { digest } of names.values()) await verifyWhole(store, digest);
    expect(await store.missing(unwanted.index.descriptor.digest)).toEqual([unwanted.index.descriptor.digest]);
  });
});

describe('The lock of the store', () => {
  it('is held by one process at a time, also when holders are killed', async () => {
    const root = temporaryFolder('oci');
    await writeFile(join(root, 'counter'), '0');
    await writeFile(join(root, 'counted'), '');
    const doomed = Array.from({ length: 2 }, (_, id) => start('count', root, `doomed${id}`, '100000'));
    const steady = Array.from({ length: 2 }, (_, id) => start('count', root, `steady${id}`, '15'));
    for (const writer of doomed) {
      await writer.said(2);
      await sleep(Math.random() * 10);
      await writer.kill();
    }
    await Promise.all(steady.map(({ done }) => done));
    // The last one killed may still be in the way of the next one who comes.
    await start('count', root, 'last', '1').done;
    const counter = Number(await readFile(join(root, 'counter'), 'utf8'));
    const counted = (await readFile(join(root, 'counted'), 'utf8')).length;
    const lines = [...doomed, ...steady].reduce((sum, writer) => sum + writer.lines.length, 1);
    // Two at once would read one number and count less than there were turns; a killed one may have counted without noting it.
    expect(counter).toBeGreaterThanOrEqual(counted);
    expect(counter).toBeLessThanOrEqual(counted + doomed.length);
    expect(counted).toBeGreaterThanOrEqual(lines);
    expect(await readdir(join(root, '.pinlane-locks'))).toEqual([]);
  });

  it('is taken over from a holder that was killed, by exactly one of many who want it', async () => {
    const root = temporaryFolder('oci');
    await writeFile(join(root, 'counter'), '0');
    await writeFile(join(root, 'counted'), '');
    const holder = start('hold', root, 'holder', '1');
    await holder.said(1);
    const waiting = Array.from({ length: 4 }, (_, id) => start('count', root, String(id), '4'));
    await holder.kill();
    await Promise.all(waiting.map(({ done }) => done));
    expect(await readFile(join(root, 'counter'), 'utf8')).toBe('16');
  });

  it('is not taken from a holder that lives', async () => {
    const root = temporaryFolder('oci');
    const image = makeImage();
    const store = openStore(root, { patienceMs: 50 });
    await putImage(store, image);
    const holder = start('hold', root, 'holder', '1');
    await holder.said(1);
    const error = await errorOf(() => store.name('wanted', image.index.descriptor));
    expect(error.code).toBe('ERR_STORE_LOCKED');
    expect(error.retryable).toBe(true);
    await holder.kill();
    await store.name('wanted', image.index.descriptor);
  });

  const leave = async (text: string) => {
    const root = temporaryFolder('oci');
    const image = makeImage();
    const store = openStore(root, { patienceMs: 50 });
    await putImage(store, image);
    await mkdir(join(root, '.pinlane-locks'), { recursive: true });
    await writeFile(join(root, '.pinlane-locks', 'index'), text);
    return () => store.name('wanted', image.index.descriptor);
  };

  it('is not held by a process that only has the number of its late holder', async () => {
    const naming = await leave(JSON.stringify({ ...(await newHolder()), started: 'another boot/1' }));
    await naming();
  });

  it('is not held by what a crash of the whole machine left of it', async () => {
    for (const text of ['', '{"hold":', '\0\0\0\0']) await (await leave(text))();
  });

  it('is not broken where nobody can tell whether its holder lives', async () => {
    const naming = await leave(JSON.stringify({ hold: 'x', pid: 1, started: null, machine: `not ${hostname()}` }));
    expect(await codeOf(naming)).toBe('ERR_STORE_LOCKED');
  });
});

/**
 * A process that writes to a store, to be run beside others and to be killed: `store-writer.ts <what> <root> <id> <count>`.
 * Says on stdout what it has done, one line each, after it is done.
 */
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseDigest, type Repository } from '@pinlane/contracts';
import { makeImage, putImage } from '@pinlane/testing/images';
import { openRepository } from '../../src/registry/index.ts';
import { withSlot } from '../../src/registry/push/slots.ts';
import { openStore } from '../../src/store/index.ts';
import { withLock } from '../../src/files/lock.ts';

const [what, root, id, count] = process.argv.slice(2) as [string, string, string, string];
const store = openStore(root);
const place = { folder: join(root, '.pinlane-locks'), temporary: join(root, '.pinlane-tmp'), patienceMs: 60_000, what: 'the store' };
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Images of its own, and one that all write. */
const write = async (): Promise<void> => {
  for (let round = 0; round < Number(count); round++) {
    for (const [name, image] of [
      [`own/${id}-${round}`, makeImage({ mark: `${id} ${round}`, layerSize: 300_000 })],
      ['shared', makeImage({ mark: `shared ${round}`, layerSize: 300_000 })],
    ] as const) {
      await putImage(store, image);
      await store.name(name, image.index.descriptor);
      say(`${name} ${image.index.descriptor.digest}`);
    }
  }
};

/** Counts in a file as only someone alone with it may: reads, waits, writes. */
const countUp = async (): Promise<void> => {
  const file = join(root, 'counter');
  for (let round = 0; round < Number(count); round++) {
    await withLock(place, async () => {
      const before = Number(readFileSync(file, 'utf8'));
      await sleep(1);
      // Put in place whole, because this process may be killed at any moment.
      writeFileSync(`${file}.${id}`, String(before + 1));
      renameSync(`${file}.${id}`, file);
      appendFileSync(join(root, 'counted'), '.');
    });
    say('counted');
  }
};

/** Puts and names images that are in the store already and long unused, as a build does that makes what an older one made. */
const reuse = async (): Promise<void> => {
  for (let round = 0; round < Number(count); round++) {
    const image = makeImage({ mark: `old ${id} ${round}` });
    await putImage(store, image);
    await store.name(`old/${id}-${round}`, image.index.descriptor);
    say(`old/${id}-${round} ${image.index.descriptor.digest}`);
  }
};

/** Collects garbage until it is killed. */
const collect = async (): Promise<void> => {
  for (;;) {
    const { removed } = await store.collect({ keep: [], graceMs: 600_000 });
    say(`removed ${removed.length}`);
    await sleep(20);
  }
};

const hold = (): Promise<void> =>
  withLock(place, async () => {
    say('held');
    await sleep(600_000);
  });

/** Brings the blob `id`, of `count` bytes, from where it was left. */
const bring = async (): Promise<void> => {
  say('asking');
  const reach = { open: (repository: Repository) => openRepository(repository, { auth: async () => undefined }) };
  await openStore(root, { reach }).bring([{ digest: parseDigest(id), size: Number(count) }]);
  say('brought');
};

/** Holds a slot of those in `root` for pushes to the registry `id`. */
const holdSlot = (): Promise<void> =>
  withSlot({ slots: { folder: root, count: Number(count) }, host: id, progress: () => undefined, signal: undefined }, async () => {
    say('held');
    await sleep(600_000);
  });

const works: Readonly<Record<string, () => Promise<void>>> = { write, reuse, collect, count: countUp, hold, 'hold-slot': holdSlot, bring };
await works[what]?.();

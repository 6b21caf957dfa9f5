import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestSchema, laneRules, type Lane } from '@pinlane/contracts';
import { believeHashes, hashesToKeep } from '@pinlane/oci';
import * as z from 'zod';
import type { VerbContext } from '../command/context.ts';
import { readOwnFile, writeOwnFile } from '../workspace/own-file.ts';
import { workspacePaths } from '../workspace/paths.ts';

/** What large files held, by their absolute paths, and since which start of the machine that is known. */
const keptSchema = z.strictObject({
  boot: z.string(),
  files: z.record(z.string(), z.strictObject({ state: z.string(), size: z.int().min(0), sha256: digestSchema })),
});

/**
 * Names this run of the machine by a number that nobody knows before it; null where there is none. So what is kept is believed only where it was found out:
 * whatever a branch or a restored cache brings along was written before, and could name neither the number nor the times that files would have.
 */
const bootOfMachine = (): string | null => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
};

/**
 * Does work with what earlier commands found out about large files, as git does by its index: a context of gigabytes, or a base, is not hashed by each command.
 * Only in a lane that takes what the store of this machine has; everywhere else each byte is read.
 */
export const withKnownHashes = async <T>(lane: Lane, { root, once, note }: Pick<VerbContext, 'root' | 'once' | 'note'>, work: () => Promise<T>): Promise<T> => {
  const boot = laneRules(lane).acceptsStorePins ? once('boot', bootOfMachine) : null;
  if (boot === null) return work();
  const { cache, temporary } = workspacePaths(root, lane);
  const path = join(cache, 'hashes.json');
  once('known hashes', () => {
    const kept = readOwnFile(path, keptSchema, 'large files are hashed anew', note);
    if (kept?.boot === boot) believeHashes(kept.files);
  });
  try {
    return await work();
  } finally {
    const files = hashesToKeep();
    // If it can't be written, only time is lost.
    if (files !== null) await writeOwnFile(path, { boot, files }, temporary).catch(() => undefined);
  }
};

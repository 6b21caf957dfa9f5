import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
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
 * Takes what earlier commands found out about large files, and keeps what this one finds out, as git does by its index: a context of gigabytes, or a base, is
 * not hashed by each command. Only in a lane that takes what the store of this machine has; everywhere else each byte is read.
 */
export const useKnownHashes = (lane: Lane, { root, once, note, atEnd }: Pick<VerbContext, 'root' | 'once' | 'note' | 'atEnd'>): void => {
  if (laneRules(lane).acceptsStorePins)
    once('known hashes', () => {
      const boot = bootOfMachine();
      if (boot === null) return;
      const { cache, temporary } = workspacePaths(root, lane);
      const path = join(cache, 'hashes.json');
      const kept = readOwnFile(path, keptSchema, 'large files are hashed anew', note);
      const before = kept?.boot === boot ? kept.files : {};
      believeHashes(before);
      atEnd(async () => {
        const files = hashesToKeep();
        if (!isDeepStrictEqual(files, before)) await writeOwnFile(path, { boot, files }, temporary);
      });
    });
};

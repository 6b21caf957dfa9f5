import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { digestSchema, laneRules, type Lane } from '@pinlane/contracts';
import { believeHashes, hashesToKeep } from '@pinlane/oci';
import * as z from 'zod';
import type { VerbContext } from '../command/context.ts';
import { bootOfMachine } from '../workspace/boot.ts';
import { readOwnFile, writeOwnFile } from '../workspace/own-file.ts';
import { workspacePaths } from '../workspace/paths.ts';

/** What large files held, by their absolute paths, and since which start of the machine that is known. */
const keptSchema = z.strictObject({
  boot: z.string(),
  files: z.record(z.string(), z.strictObject({ state: z.string(), size: z.int().min(0), sha256: digestSchema })),
});

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

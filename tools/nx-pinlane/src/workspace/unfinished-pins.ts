import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, laneRules, type Lane } from '@pinlane/contracts';
import * as z from 'zod';
import type { VerbContext, VerbOutcome } from '../command/context.ts';
import { readOwnFile, writeOwnFile } from './own-file.ts';
import { workspacePaths, type WorkspacePaths } from './paths.ts';
import { resolveLane } from './settings.ts';

/** A pin that was begun: the folder of what is pinned, relative to the workspace's root. */
const markSchema = z.strictObject({ folder: z.string() });

/** Puts a mark where there is none in one call, for half of it is a mark, too; otherwise as any file that Pinlane keeps, through no link. */
const mark = async (path: string, value: z.infer<typeof markSchema>, temporary: string): Promise<void> => {
  try {
    writeFileSync(path, `${JSON.stringify(value)}\n`, { flag: 'wx' });
  } catch {
    await writeOwnFile(path, value, temporary);
  }
};

interface PinningOptions {
  readonly lane?: Lane | undefined;
  readonly check?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly reproduce?: boolean | undefined;
}

/**
 * Pins, in a lane whose pins are committed, with a mark that goes when it ends well: a pin commit says that everything up to its source is pinned, and nothing
 * else tells that one of many pins failed, or was killed.
 */
export const markedPin = async <Options extends PinningOptions, Document extends object>(
  options: Options,
  context: VerbContext,
  pin: (options: Options, context: VerbContext) => Promise<VerbOutcome<Document>>,
): Promise<VerbOutcome<Document>> => {
  const lane = resolveLane(options.lane, context.env);
  if (laneRules(lane).writesPins !== 'yes' || options.check || options.dryRun || options.reproduce) return pin(options, context);
  const { unfinished, temporary } = workspacePaths(context.root, lane);
  const path = join(unfinished, `${context.project}.json`);
  await mark(path, { folder: context.projectRoot }, temporary);
  const outcome = await pin(options, context);
  if (outcome.exitCode === EXIT.good) rmSync(path, { force: true });
  return outcome;
};

/** The projects whose pin was begun here and did not end well, sorted; not those that are gone. */
export const unfinishedPins = async ({ root, unfinished }: WorkspacePaths, note: (line: string) => void): Promise<string[]> => {
  const names = await readdir(unfinished).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return [];
    throw thrown;
  });
  return names
    .filter((name) => {
      const mark = readOwnFile(join(unfinished, name), markSchema, 'the pin that it is about counts as unfinished', note);
      return mark === null || existsSync(join(root, mark.folder));
    })
    .map((name) => name.replace(/\.json$/, ''))
    .sort();
};

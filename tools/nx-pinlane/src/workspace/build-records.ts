import { readdir, readFile } from 'node:fs/promises';
import { writeFileAtomic } from '@pinlane/oci';
import { builtImageSchema, type BuiltImage } from '@pinlane/contracts';
import type { WorkspacePaths } from './paths.ts';

/** The record of a project's last build; null if there is none, or another version wrote it. */
export const readRecord = async (paths: WorkspacePaths, project: string): Promise<BuiltImage | null> => {
  const text = await readFile(paths.record(project), 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return null;
    throw thrown;
  });
  if (text === null) return null;
  try {
    const parsed = builtImageSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
};

/** The records of all projects that were built here. */
export const readRecords = async (paths: WorkspacePaths): Promise<BuiltImage[]> => {
  const names = await readdir(paths.builds).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return [];
    throw thrown;
  });
  const records = await Promise.all(names.filter((name) => name.endsWith('.json')).map((name) => readRecord(paths, name.slice(0, -'.json'.length))));
  return records.filter((record) => record !== null);
};

/** Writes the record of a build; the same build writes the same bytes. */
export const writeRecord = (paths: WorkspacePaths, image: BuiltImage): Promise<void> =>
  writeFileAtomic(paths.record(image.name), `${JSON.stringify(image, null, 2)}\n`, { temporaryFolder: paths.temporary });

import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '@pinlane/adapters';
import { builtImageSchema, type BuiltImage } from '@pinlane/contracts';
import type { WorkspacePaths } from './paths.ts';

/** The record of a project's last build; null where there is none, or none that this version wrote. */
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

/** Writes the record of a build; the same build writes the same bytes. */
export const writeRecord = (paths: WorkspacePaths, image: BuiltImage): Promise<void> =>
  writeFileAtomic(paths.record(image.name), `${JSON.stringify(image, null, 2)}\n`);

import { readdir } from 'node:fs/promises';
import { builtImageSchema, type BuiltImage } from '@pinlane/contracts';
import { readOwnFile, writeOwnFile } from './own-file.ts';
import type { WorkspacePaths } from './paths.ts';

type Note = (line: string) => void;

/** The record of a project's last build; null if there is none. One that can't be believed is reported, and counts as none. */
export const readRecord = async (paths: WorkspacePaths, project: string, note: Note = () => undefined): Promise<BuiltImage | null> => {
  const path = paths.record(project);
  const ignore = 'what it stood for is looked for, or built, anew';
  const record = readOwnFile(path, builtImageSchema, ignore, note);
  if (record === null || record.name === project) return record;
  note(`WARNING ${path} is ignored, because it is about ${record.name}: ${ignore}`);
  return null;
};

/** The records of all projects that were built here. */
export const readRecords = async (paths: WorkspacePaths, note: Note): Promise<BuiltImage[]> => {
  const names = await readdir(paths.builds).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return [];
    throw thrown;
  });
  const records = await Promise.all(names.filter((name) => name.endsWith('.json')).map((name) => readRecord(paths, name.slice(0, -'.json'.length), note)));
  return records.filter((record) => record !== null);
};

/** Writes the record of a build; the same build writes the same bytes. */
export const writeRecord = (paths: WorkspacePaths, image: BuiltImage): Promise<void> => writeOwnFile(paths.record(image.name), image, paths.temporary);

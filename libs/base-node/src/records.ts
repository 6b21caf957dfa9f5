import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '@pinlane/oci';
import type { z } from 'zod';

/** Reads a record; undefined if there is none that can be read. Records only save work, so a broken one counts as none. */
export const readRecord = async <S extends z.ZodType>(file: string, schema: S): Promise<z.infer<S> | undefined> => {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
};

/** Writes a record in one step. */
export const writeRecord = (file: string, value: unknown): Promise<void> => writeFileAtomic(file, `${JSON.stringify(value, null, 2)}\n`);

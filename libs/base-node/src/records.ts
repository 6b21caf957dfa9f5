import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '@pinlane/adapters';
import type { z } from 'zod';

/** What a record says; undefined where there is none or it is not one. Records only save work, so a broken one is as good as none. */
export const readRecord = async <S extends z.ZodType>(file: string, schema: S): Promise<z.infer<S> | undefined> => {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
};

/** Writes a record whole. */
export const writeRecord = (file: string, value: unknown): Promise<void> => writeFileAtomic(file, `${JSON.stringify(value, null, 2)}\n`);

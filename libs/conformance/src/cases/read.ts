import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PinlaneError, isPinlaneError, type AcceptanceCase, type Problem } from '@pinlane/contracts';
import { parseAcceptanceFile } from './parse.ts';

/** The cases of one file; its name is relative to the folder of the cases. */
export interface CaseFile {
  readonly file: string;
  readonly cases: readonly AcceptanceCase[];
}

/**
 * Reads every `.yaml` and `.yml` of a folder, sorted by name. A folder that does not exist has no cases.
 * @throws ERR_ACCEPTANCE_CASE_INVALID with the problems of all files
 */
export const readCases = async (folder: string): Promise<readonly CaseFile[]> => {
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name)).sort();
  const problems: Problem[] = [];
  const files: CaseFile[] = [];
  for (const file of names) {
    try {
      files.push({ file, cases: parseAcceptanceFile(await readFile(join(folder, file), 'utf8'), join(folder, file)) });
    } catch (error) {
      if (!isPinlaneError(error)) throw error;
      problems.push(...error.problems);
    }
  }
  const [first, ...rest] = problems;
  if (first !== undefined) throw new PinlaneError([first, ...rest]);
  return files;
};

import { constants } from 'node:fs';
import { open, readdir, realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fail, isMachineFault, isPinlaneError, leadsOut, PinlaneError, type AcceptanceCase, type Problem } from '@pinlane/contracts';
import { CASES_BYTES_AT_MOST, parseAcceptanceFile } from './parse.ts';

/** The cases of one file; its name is relative to the folder of the cases. */
export interface CaseFile {
  readonly file: string;
  readonly cases: readonly AcceptanceCase[];
}

/**
 * The text of a file below a root, as far as one file may be long. Whoever proposes a change may propose a link, too: what is not of the workspace would be
 * told of in the problems of a file of cases.
 */
const readText = async (file: string, root: string): Promise<string> => {
  const refuse = (why: string): never => fail('ERR_ACCEPTANCE_CASE_INVALID', why, { file });
  try {
    if (leadsOut(relative(await realpath(root), await realpath(file)))) return refuse('it is a link that leads out of the workspace');
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await handle.stat()).isFile()) return refuse('it is no file');
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(CASES_BYTES_AT_MOST + 1), 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isPinlaneError(error) || isMachineFault(error)) throw error;
    return refuse(`it cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
};

/** The names in a folder; none if there is no folder. One that can't be looked into may hold cases, so that is an error of the system. */
const namesIn = (folder: string): Promise<string[]> =>
  readdir(folder).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? [] : Promise.reject(error)));

/**
 * Reads every `.yaml` and `.yml` of a folder, sorted by name. A folder that does not exist has no cases. A file may be a link to one below `root`.
 * @throws ERR_ACCEPTANCE_CASE_INVALID with the problems of all files; the system's errors
 */
export const readCases = async (folder: string, root: string = folder): Promise<readonly CaseFile[]> => {
  const names = (await namesIn(folder)).filter((name) => /\.ya?ml$/.test(name)).sort();
  const problems: Problem[] = [];
  const files: CaseFile[] = [];
  for (const file of names) {
    try {
      files.push({ file, cases: parseAcceptanceFile(await readText(join(folder, file), root), join(folder, file)) });
    } catch (error) {
      if (!isPinlaneError(error)) throw error;
      problems.push(...error.problems);
    }
  }
  const [first, ...rest] = problems;
  if (first !== undefined) throw new PinlaneError([first, ...rest]);
  return files;
};

import { join } from 'node:path';
import type { AggregateCreateNodesError } from '@nx/devkit';
import { parseSpec } from '@pinlane/pipeline';
import { readExactText } from '../../workspace/spec-file.ts';

/** The error of the strict reading for a file that inference could not read: every problem with line and column; null if it finds none. */
const strictError = async (file: string, workspaceRoot: string): Promise<Error | null> => {
  try {
    parseSpec(await readExactText(join(workspaceRoot, file), file), { file });
    return null;
  } catch (thrown) {
    return thrown as Error;
  }
};

/** Commands for which Nx says only that the graph failed, and to pass --verbose. */
const TERSE = new Set(['affected', 'run-many']);

/**
 * The same error with the problems that the strict reading finds in each file, in place of those of the quick look that every Nx command takes. If Nx
 * would hide them, they are printed here.
 */
export const explainErrors = async (
  thrown: AggregateCreateNodesError,
  workspaceRoot: string,
  { command = process.argv[2] ?? '', tell = (text: string): unknown => process.stderr.write(text) } = {},
): Promise<AggregateCreateNodesError> => {
  const errors = await Promise.all(
    thrown.errors.map(async ([file, error]): Promise<[string | null, Error]> => [
      file,
      (file === null ? null : await strictError(file, workspaceRoot)) ?? error,
    ]),
  );
  if (TERSE.has(command)) tell(`${errors.map(([, { message }]) => message).join('\n')}\n`);
  return new (thrown.constructor as typeof AggregateCreateNodesError)(errors, thrown.partialResults);
};

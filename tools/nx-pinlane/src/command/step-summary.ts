import { appendFile } from 'node:fs/promises';

/**
 * Adds Markdown to the summary of a step, where a step of GitHub Actions asks for one (GITHUB_STEP_SUMMARY names the file).
 * @throws the system's errors
 */
export const tellStep = async (env: Readonly<Record<string, string | undefined>>, markdown: string): Promise<void> => {
  const file = env['GITHUB_STEP_SUMMARY'];
  if (file) await appendFile(file, `${markdown}\n`);
};

/** So many lines of a task are in a summary; the log has all. GitHub takes a MiB from a step. */
const LINES_AT_MOST = 100;

/** What came of a verb, for the summary of a step: its lines as they are, none of which is Markdown there. @param who the project; empty for the workspace */
export const summaryOf = (verb: string, who: string, lines: readonly string[], exitCode: number): string => {
  const all = lines.flatMap((line) => line.split(/\r\n|\r|\n/));
  const shown = all.length > LINES_AT_MOST ? [...all.slice(0, LINES_AT_MOST), `… and ${all.length - LINES_AT_MOST} lines more in the log`] : all;
  return [`#### ${exitCode === 0 ? '✅' : '❌'} ${who === '' ? '' : `${who}: `}${verb}`, '', ...shown.map((line) => `    ${line}`), ''].join('\n');
};

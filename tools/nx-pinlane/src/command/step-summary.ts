import { appendFile } from 'node:fs/promises';

/**
 * Adds Markdown to the summary of a step, where a step of GitHub Actions asks for one (GITHUB_STEP_SUMMARY names the file).
 * @throws the system's errors
 */
export const tellStep = async (env: Readonly<Record<string, string | undefined>>, markdown: string): Promise<void> => {
  const file = env['GITHUB_STEP_SUMMARY'];
  if (file) await appendFile(file, `${markdown}\n`);
};

import { appendFile } from 'node:fs/promises';
import { asPinlaneError } from '@pinlane/contracts';

/**
 * Hands values on to later steps and jobs, where a step of GitHub Actions asks for them (GITHUB_OUTPUT names the file). @param outputs values of one line
 * @throws the system's errors, as those of Pinlane
 */
export const tellOutputs = async (env: Readonly<Record<string, string | undefined>>, outputs: Readonly<Record<string, string>>): Promise<void> => {
  const file = env['GITHUB_OUTPUT'];
  if (!file) return;
  const lines = Object.entries(outputs).map(([name, value]) => `${name}=${value}\n`);
  await appendFile(file, lines.join('')).catch((thrown: unknown) => {
    throw asPinlaneError(thrown, { file });
  });
};

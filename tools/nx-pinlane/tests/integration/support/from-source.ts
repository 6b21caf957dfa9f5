import { join, resolve } from 'node:path';

const main = join(resolve(import.meta.dirname, '../../..'), 'src/cli/main.ts');

/** The arguments of a Node that runs the command from its source, with the arguments of the command. */
export const pinlaneFromSource = (...args: readonly string[]): string[] => [
  ...['--conditions=@pinlane/source', '--input-type=module', '--eval'],
  `import { main } from ${JSON.stringify(main)};\nprocess.exitCode = await main(process.argv.slice(1), process.cwd());`,
  ...['--', ...args],
];

import { fail, quoted } from '@pinlane/contracts';
import type { VerbName } from '../verbs/index.ts';
import { MANIFEST } from '../verbs/manifest.ts';

const NAMES = Object.keys(MANIFEST) as VerbName[];

/** The shortest name of a verb's command. */
export const commandOf = (name: VerbName): string => MANIFEST[name].alias ?? name;

/** The verb that a word names. @throws ERR_OPTION_INVALID */
export const verbNamed = (word: string): VerbName =>
  NAMES.find((name) => name === word || MANIFEST[name].alias === word) ??
  fail('ERR_OPTION_INVALID', `${quoted(word)} is no command; there are ${NAMES.map(commandOf).join(', ')}`);

/** The help of `pinlane` by itself. */
export const overview = (): string =>
  [
    'Usage: pinlane <command> [<project>] [options]',
    '',
    ...NAMES.map((name) => `  ${commandOf(name).padEnd(12)} ${MANIFEST[name].title}`),
    '',
    'Exit codes: 0 good, 1 error, 2 a verdict against (pins stale, acceptance failed).',
  ].join('\n');

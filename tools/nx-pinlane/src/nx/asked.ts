import { MANIFEST } from '../verbs/manifest.ts';
import { BASE_FOR_PINS } from './inference/builds-before.ts';

type Argv = readonly string[];

/** Hands on which targets were asked for: Nx tells an executor nothing of why its task is in the run. */
const VARIABLE = 'NX_PINLANE_ASKED';

/** The targets whose tasks are this plugin's executors. */
const OURS = new Set([BASE_FOR_PINS, ...Object.entries(MANIFEST).map(([verb, { target }]) => target?.name ?? verb)]);

/** What a command line says to Nx itself. */
const saidToNx = (argv: Argv): Argv => {
  const own = argv.slice(2);
  return own.includes('--') ? own.slice(0, own.indexOf('--')) : own;
};

/** The words of a command line, among which are the targets that were asked for: `nx run-many -t pin,smoke`, `nx run x:pin`. */
const wordsIn = (argv: Argv): string[] => saidToNx(argv).flatMap((word) => word.split(/[\s,:=]+/));

/** Hands on what a command asks for. */
export const handOnAsked = (argv: Argv, env: Record<string, string | undefined>): void => {
  env[VARIABLE] = wordsIn(argv).join(' ');
};

/** Whether somebody may have asked for a target by its name. */
export const mayBeAsked = (target: string, env: Readonly<Record<string, string | undefined>>): boolean => (env[VARIABLE] ?? '').split(' ').includes(target);

/** The values of -t, --target and --targets: `-t a b`, `-t=a,b`, `--targets "a b"`. */
const targetValues = (words: Argv): string[] => {
  const at = words.findIndex((word) => /^(?:-t|--targets?)(?:=|$)/.test(word));
  if (at === -1) return [];
  const after = words.slice(at + 1);
  const end = after.findIndex((word) => word.startsWith('-'));
  const [, value] = words[at]!.split('=', 2);
  const values = value === undefined ? after.slice(0, end === -1 ? undefined : end) : [value];
  return [...values.flatMap((each) => each.split(/[\s,]+/)).filter((each) => each !== ''), ...targetValues(after)];
};

/** The targets that a command names; none if it can't be told. */
const targetsIn = (argv: Argv): string[] => {
  const words = saidToNx(argv);
  const [command = '', subject = ''] = words;
  if (command === 'run-many' || command === 'affected') return targetValues(words);
  // A project's name may hold colons as well, and a configuration may follow.
  return command === 'run'
    ? subject
        .split(':')
        .slice(1)
        .filter((part) => OURS.has(part))
    : [command];
};

/** Whether a command asks for targets of this plugin and for no others: `nx affected -t pin`, `nx run x:pin`, `nx pin x`. */
export const asksOursAlone = (argv: Argv): boolean => {
  const targets = targetsIn(argv);
  return targets.length > 0 && targets.every((target) => OURS.has(target));
};

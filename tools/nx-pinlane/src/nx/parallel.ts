import { availableParallelism } from 'node:os';
import type { NxJsonConfiguration, PreTasksExecution } from '@nx/devkit';

/** Hands --parallel on: Nx tells an executor of many tasks nothing of how many may run at once. */
const VARIABLE = 'NX_PINLANE_PARALLEL';

/** Hands on which targets were asked for: Nx tells an executor nothing of why its task is in the run. */
export const ASKED = 'NX_PINLANE_ASKED';

/** As many as Nx runs at once if nobody says another number. */
const USUAL = 3;

const valueOf = (argv: readonly string[], name: string): string | undefined => {
  const at = argv.findIndex((each) => each === name || each.startsWith(`${name}=`));
  if (at === -1) return undefined;
  const [, value] = argv[at]!.split('=', 2);
  const next = argv[at + 1];
  return value ?? (next !== undefined && /^\d+%?$|^true$|^false$/.test(next) ? next : '');
};

const isYes = (text: string): boolean => text === '' || text === 'true';

/** What --parallel and --maxParallel say, as Nx reads them (nx, yargs-utils/shared-options.ts): a number or a share such as 50%; undefined if they say none. */
export const parallelIn = (argv: readonly string[]): string | undefined => {
  const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  const given = own.includes('--no-parallel') ? 'false' : valueOf(own, '--parallel');
  if (given === undefined) return undefined;
  if (given === 'false') return '1';
  return isYes(given) ? (valueOf(own, '--maxParallel') ?? valueOf(own, '--max-parallel')) : given;
};

/** The words of a command line, among which are the targets that were asked for: `nx run-many -t pin,smoke`, `nx run x:pin`. */
const wordsIn = (argv: readonly string[]): string[] => {
  const own = argv.slice(2);
  return (own.includes('--') ? own.slice(0, own.indexOf('--')) : own).flatMap((word) => word.split(/[\s,:=]+/));
};

/** Nx calls this before the tasks of a run, and hands the changes that it makes to the environment on to them. */
export const handOnParallel: PreTasksExecution = (_options, { argv }) => {
  process.env[VARIABLE] = parallelIn(argv) ?? '';
  process.env[ASKED] = wordsIn(argv).join(' ');
};

const asNumber = (text: string): number => {
  const number = Number.parseFloat(text);
  const count = text.endsWith('%') ? Math.floor((number / 100) * availableParallelism()) : Math.floor(number);
  return Number.isFinite(count) ? Math.max(1, count) : USUAL;
};

/** How many tasks may run at once: --parallel, else NX_PARALLEL, else `parallel` of nx.json, else three. */
export const parallelOf = (env: Readonly<Record<string, string | undefined>>, { parallel }: Pick<NxJsonConfiguration, 'parallel'>): number =>
  asNumber(String(env[VARIABLE] || env['NX_PARALLEL'] || parallel || USUAL));

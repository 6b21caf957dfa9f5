import { availableParallelism } from 'node:os';
import type { NxJsonConfiguration } from '@nx/devkit';

/** Nx tells an executor of many tasks nothing of how many may run at once. */
const VARIABLE = 'NX_PINLANE_PARALLEL';

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

/** Hands --parallel on to the tasks of a run, and not to those of a run that begins within it. */
export const handOnParallel = (argv: readonly string[], env: Record<string, string | undefined>): void => {
  env[VARIABLE] = parallelIn(argv) ?? '';
};

const asNumber = (text: string): number => {
  const number = Number.parseFloat(text);
  const count = text.endsWith('%') ? Math.floor((number / 100) * availableParallelism()) : Math.floor(number);
  return Number.isFinite(count) ? Math.max(1, count) : USUAL;
};

/** How many tasks may run at once: --parallel, else NX_PARALLEL, else `parallel` of nx.json, else three. */
export const parallelOf = (env: Readonly<Record<string, string | undefined>>, { parallel }: Pick<NxJsonConfiguration, 'parallel'>): number =>
  asNumber(String(env[VARIABLE] || env['NX_PARALLEL'] || parallel || USUAL));

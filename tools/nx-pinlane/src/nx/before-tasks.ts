import type { PreTasksExecution } from '@nx/devkit';
import { handOnAsked } from './asked.ts';
import { handOnCompileCache } from './compile-cache.ts';
import { handOnParallel } from './parallel.ts';

/** Nx calls this before the tasks of a run, and hands the changes that it makes to the environment on to them. */
export const handOn: PreTasksExecution = (_options, { argv }) => {
  handOnParallel(argv, process.env);
  handOnAsked(argv, process.env);
  handOnCompileCache(argv, process.env);
};

import type { ExecutorContext } from '@nx/devkit';
import { EXIT } from '@pinlane/contracts';
import type { Verb } from '../options/index.ts';
import { runVerb, type Flow } from './run-verb.ts';

/** An Nx executor around a flow. Nx knows success and failure only; the exact exit code is that of the `pinlane` command. */
export const executor =
  <V extends Verb>(verb: V, flow: Flow<V>) =>
  async (options: unknown, context: ExecutorContext): Promise<{ success: boolean }> => {
    const project = context.projectName ?? '';
    const projectRoot = context.projectsConfigurations.projects[project]?.root ?? '';
    const exitCode = await runVerb(verb, flow, options, { root: context.root, project, projectRoot, verbose: context.isVerbose });
    return { success: exitCode === EXIT.good };
  };

import type { AggregateCreateNodesError, CreateNodes } from '@nx/devkit';
import { asPinlaneError } from '@pinlane/contracts';
import { openFactsCache } from './workspace/facts-cache.ts';
import { bundleFilesOf } from './nx/inference/bundle-files.ts';
import { createProcessorNodes, entriesOf, type PluginOptions } from './nx/inference/create-nodes.ts';

/** The plugin's name in Nx's messages. */
export const name = '@pinlane/nx';

const note = (line: string): unknown => process.stderr.write(`${line}\n`);

/** Nx calls this to learn of the processors, and of the workspace's own project. */
export const createNodes: CreateNodes<PluginOptions> = [
  // The last two tell which folders are projects.
  '{nx.json,**/registry.yaml,**/base.yaml,**/base.lock.json,**/project.json,**/package.json}',
  async (files, options, context) => {
    const cache = openFactsCache(context.workspaceRoot, process.env, note);
    try {
      const bundles = await bundleFilesOf(context.workspaceRoot, entriesOf(files, options, context.workspaceRoot), note);
      return createProcessorNodes(files, options, context, cache, bundles);
    } catch (thrown) {
      // What is wrong with no single file.
      if (!Array.isArray((thrown as Partial<AggregateCreateNodesError>).errors)) throw asPinlaneError(thrown);
      // Loaded only now: every Nx command waits for the modules that are loaded before.
      const { explainErrors } = await import('./nx/inference/explain-errors.ts');
      throw await explainErrors(thrown as AggregateCreateNodesError, context.workspaceRoot);
    } finally {
      await cache.save();
    }
  },
];
export { createBundleDependencies as createDependencies } from './nx/inference/create-dependencies.ts';
export { handOn as preTasksExecution } from './nx/before-tasks.ts';
export { explainFailedBuilds as postTasksExecution } from './nx/run-end.ts';
export type { PluginOptions };

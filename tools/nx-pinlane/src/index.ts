import type { AggregateCreateNodesError, CreateNodes } from '@nx/devkit';
import { createProcessorNodes, type PluginOptions } from './inference/create-nodes.ts';

/** The plugin's name in Nx's messages. */
export const name = '@pinlane/nx';

/** What Nx calls to learn of the processors. */
export const createNodes: CreateNodes<PluginOptions> = [
  '**/registry.yaml',
  async (files, options, context) => {
    try {
      return createProcessorNodes(files, options, context);
    } catch (thrown) {
      // Loaded only now: every Nx command waits for what is loaded before.
      const { explainErrors } = await import('./inference/explain-errors.ts');
      throw await explainErrors(thrown as AggregateCreateNodesError, context.workspaceRoot);
    }
  },
];
export { explainFailedBuilds as postTasksExecution } from './run-end.ts';
export type { PluginOptions };

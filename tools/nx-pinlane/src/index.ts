import type { CreateNodes } from '@nx/devkit';
import { createProcessorNodes, type PluginOptions } from './inference/create-nodes.ts';

/** The plugin's name in Nx's messages. */
export const name = '@pinlane/nx';

/** What Nx calls to learn of the processors. */
export const createNodes: CreateNodes<PluginOptions> = ['**/registry.yaml', createProcessorNodes];
export type { PluginOptions };

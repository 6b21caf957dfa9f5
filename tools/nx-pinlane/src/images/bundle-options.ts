import * as z from 'zod';

/** How a processor is bundled into one file. */
export const bundling = {
  entry: z.string().default('src/main.ts').describe("The entry file, relative to the processor's folder."),
  output: z.string().default('dist/main.js').describe("The bundle, relative to the processor's folder."),
  sourcemap: z.boolean().default(false).describe('Write a source map beside the bundle; it becomes part of the image.'),
};

/** How a verb is told to bundle before it looks at the source. */
export const bundledFirst = {
  bundle: z.object(bundling).optional().describe('How the processor is bundled first: the options of its target `bundle`, set by the plugin.'),
};

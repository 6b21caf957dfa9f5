import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';

const file = z.string().min(1).optional();

/** The options of `merge-pins`: what git gives a merge driver (gitattributes, "Defining a custom merge driver"). */
export const options = {
  base: file.describe("The file with the common ancestor's text; git's %O. Without any file the driver is registered in this clone."),
  ours: file.describe("The file with our text, which takes the outcome; git's %A."),
  theirs: file.describe("The file with the other side's text; git's %B."),
  path: z.string().min(1).optional().describe("The path of the file in the repository; git's %P."),
  markerSize: z.int().min(1).max(1000).default(7).describe("The length of a conflict's markers; git's %L."),
};

export type MergePinsOptions = OptionsOf<typeof options>;

/** The document of `merge-pins`. */
export const pinMergeSchema = z
  .strictObject({
    kind: z.literal('PinMerge'),
    schemaVersion: z.literal(1),
    /** Null if the driver was registered. */
    path: z.string().nullable(),
    /** The side whose pins were taken; null if a person has to decide, or nothing was merged. */
    pins: z.enum(['ours', 'theirs']).nullable(),
    /** Whether something is left to a person. */
    conflicts: z.boolean(),
  })
  .describe('What came of the merge of one file with pins.');

export type PinMerge = z.output<typeof pinMergeSchema>;

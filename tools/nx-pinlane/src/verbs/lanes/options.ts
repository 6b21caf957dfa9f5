import * as z from 'zod';
import type { OptionsOf } from '../../command/verb.ts';

const branch = (lane: string) =>
  z
    .string()
    .regex(/^[^-\s]\S*$/)
    .default(`refs/remotes/origin/${lane}`)
    .describe(`The branch of lane ${lane}, as this clone knows the remote's.`);

/** The options of `lanes`. */
export const options = {
  dev: branch('dev'),
  staging: branch('staging'),
  main: branch('main'),
  reports: z
    .string()
    .regex(/^[^-\s]/)
    .default('.pinlane/reports')
    .describe('The folder of reports, relative to the workspace; what CI kept may be put below it, run by run.'),
};

export type LanesOptions = OptionsOf<typeof options>;

import * as z from '../zod.ts';
import { HOSTING_NAMES } from '../hosting.ts';
import { artefact, revisionSchema } from './common.ts';

/** What came of a job of a workflow. */
export const rehearsalJobSchema = z.strictObject({
  job: z.string(),
  name: z.string(),
  outcome: z.enum(['success', 'failure', 'skipped']),
  /** The first step that failed; null if none did. */
  failedStep: z.string().nullable(),
});
export type RehearsalJob = z.infer<typeof rehearsalJobSchema>;

const branches = z.record(z.string(), revisionSchema);

/** The outcome of `rehearse`. */
export const rehearsalSchema = artefact('Rehearsal', {
  verdict: z.enum(['green', 'red']),
  /** The version of act. */
  act: z.string(),
  /** The commit that was rehearsed. */
  revision: revisionSchema,
  registry: z.string(),
  adapter: z.enum(HOSTING_NAMES),
  /** One for each workflow that was set off, in their order; nothing comes after a red one. */
  stages: z.array(
    z.strictObject({
      lane: z.enum(['pr', 'dev', 'staging', 'main']),
      workflow: z.string(),
      event: z.enum(['pull_request', 'push']),
      before: revisionSchema,
      after: revisionSchema,
      /** One for each run, of which there are several with --twice. */
      runs: z.array(z.strictObject({ jobs: z.array(rehearsalJobSchema) })),
      /** Where the branches are when it is over. */
      branches,
    }),
  ),
  /** What was otherwise than on GitHub. */
  differences: z.array(z.string()),
  /** What act does not do, so that this tells nothing of it. */
  notRehearsed: z.array(z.string()),
}).describe('The workflows of the lanes, as they ran on this machine.');
export type Rehearsal = z.infer<typeof rehearsalSchema>;

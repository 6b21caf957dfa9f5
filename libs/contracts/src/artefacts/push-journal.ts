import * as z from '../zod.ts';
import { digestSchema } from '../digest.ts';
import { repositorySchema } from '../reference.ts';
import { artefact } from './common.ts';

/** One image on its way into a registry. */
export const pushEntrySchema = z.strictObject({
  repository: repositorySchema,
  index: digestSchema,
  /** Every manifest that the push writes, the index included: each is to have a protecting tag. */
  manifests: z.array(digestSchema).min(1),
  /** `pushing`: some of it may be there. `pushed`: all of it was read back, and its pins may not be written yet. */
  state: z.enum(['pushing', 'pushed']),
  startedAt: z.iso.datetime(),
});
export type PushEntry = z.infer<typeof pushEntrySchema>;

/** What is under way between push and pin, so that a run that was killed leaves nothing in a registry that nobody knows of. */
export const pushJournalSchema = artefact('PushJournal', {
  /** The Nx project whose image it is. */
  name: z.string(),
  pushes: z.array(pushEntrySchema),
});
export type PushJournal = z.infer<typeof pushJournalSchema>;

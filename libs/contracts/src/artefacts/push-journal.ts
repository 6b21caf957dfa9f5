import * as z from '../zod.ts';
import { digestSchema } from '../digest.ts';
import { repositorySchema } from '../reference.ts';
import { artefact } from './common.ts';

/** One image on its way into a registry. */
export const pushEntrySchema = z.strictObject({
  repository: repositorySchema,
  index: digestSchema,
  /** Every manifest that the push writes, the index included. Each gets a tag that protects it from garbage collection. */
  manifests: z.array(digestSchema).min(1),
  /** `pushing`: the registry may hold a part of it. `pushed`: all of it was read back, but its pins may not be written yet. */
  state: z.enum(['pushing', 'pushed']),
  startedAt: z.iso.datetime(),
});
export type PushEntry = z.infer<typeof pushEntrySchema>;

/** The pushes whose pins are not written yet. If a run is killed between push and pin, the journal still tells what it left in the registry. */
export const pushJournalSchema = artefact('PushJournal', {
  /** The Nx project whose image it is. */
  name: z.string(),
  pushes: z.array(pushEntrySchema),
});
export type PushJournal = z.infer<typeof pushJournalSchema>;

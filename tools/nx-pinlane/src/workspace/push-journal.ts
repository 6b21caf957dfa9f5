import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock } from '@pinlane/oci';
import { pushJournalSchema, type PushEntry } from '@pinlane/contracts';
import { readOwnFile, writeOwnFile } from './own-file.ts';
import type { WorkspacePaths } from './paths.ts';

/** Where the journal of a project's pushes is. */
export interface JournalPlace {
  readonly paths: WorkspacePaths;
  /** The project. */
  readonly name: string;
  readonly note: (line: string) => void;
  /** Ends the wait for another process. */
  readonly signal?: AbortSignal | undefined;
}

type Image = Pick<PushEntry, 'repository' | 'index'>;

/** Whether two pushes are of one image to one place. */
export const isSame = (a: Image) => (b: Image) => a.repository === b.repository && a.index === b.index;

/** The pushes that were begun and not pinned, oldest first. A journal that can't be believed is reported and counts as empty. */
export const readJournal = async ({ paths, name, note }: JournalPlace): Promise<readonly PushEntry[]> => {
  const journal = readOwnFile(paths.journal(name), pushJournalSchema, 'what an earlier run left in a registry is not known', note);
  return journal?.pushes ?? [];
};

/** Edits the journal under its lock: several processes may push images of one project at once, so each changes only its own entries. */
const change = async (place: JournalPlace, edit: (pushes: readonly PushEntry[]) => readonly PushEntry[]): Promise<void> => {
  const { paths, name, signal } = place;
  const lock = { folder: join(paths.locks, `journal-${name}`), temporary: paths.temporary, patienceMs: 30_000, what: `the push journal of ${name}`, signal };
  await withLock(lock, async () => {
    const before = await readJournal(place);
    const after = edit(before);
    if (after.length > 0) await writeOwnFile(paths.journal(name), { kind: 'PushJournal', schemaVersion: 1, name, pushes: after }, paths.temporary);
    else if (before.length > 0) await rm(paths.journal(name), { force: true });
  });
};

/** Notes a push, or how far it has come; on disk when this returns. */
export const notePush = (place: JournalPlace, entry: PushEntry): Promise<void> =>
  change(place, (pushes) => [...pushes.filter((each) => !isSame(entry)(each)), entry]);

/** Removes pushes from the journal: they are pinned, or every manifest that they left has its tag. */
export const settlePushes = async (place: JournalPlace, images: readonly Image[]): Promise<void> => {
  // Most pins push nothing: they cost one look and no lock.
  const isSettled = (each: Image) => images.some(isSame(each));
  if (images.length > 0 && (await readJournal(place)).some(isSettled)) await change(place, (pushes) => pushes.filter((each) => !isSettled(each)));
};

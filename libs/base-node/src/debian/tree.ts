import type { Architecture } from '@pinlane/contracts';
import type { LockedPackage } from '../lock/lock.ts';
import type { RunOptions } from '../process.ts';
import { accountEntries } from '../tree/accounts.ts';
import { certificateEntries, CERTIFICATES_FOLDER } from '../tree/certificates.ts';
import type { TreeEntry } from '../tree/entry.ts';
import { statusEntry } from '../tree/package-status.ts';
import type { Spool } from '../tree/spool.ts';
import { systemEntries } from '../tree/system-files.ts';
import { Tree } from '../tree/tree.ts';
import { requireLocked } from '../lock/identity.ts';
import { readControl, readDeb } from './archive.ts';
import { parseStanzas } from './control.ts';

/** A package of the lock with the verified file that holds it. */
export interface Archive {
  readonly package: LockedPackage;
  readonly file: string;
}

/**
 * The root file system that the packages make together, with everything that their maintainer scripts would have added.
 * @throws ERR_BASE_LOCK_INVALID where a package is another one than the lock says, ERR_BASE_CONFLICT, ERR_LAYER_UNSAFE, ERR_ADAPTER
 */
export const debianEntries = async (
  archives: readonly Archive[],
  architecture: Architecture,
  spool: Spool,
  options: RunOptions,
): Promise<readonly TreeEntry[]> => {
  const tree = new Tree();
  for (const { package: locked, file } of archives) {
    const [control] = await Promise.all([
      readControl(file, options),
      (async () => {
        for await (const entry of readDeb(file, `package ${locked.name}`, spool, options)) tree.add(entry);
      })(),
    ]);
    const [stanza] = parseStanzas(control);
    const words = ['package', 'version', 'architecture'].map((field) => stanza?.get(field) ?? '(nothing)');
    requireLocked(`${locked.name} ${locked.version} ${locked.architecture}`, words.join(' '));
    tree.add(statusEntry(locked, control));
  }
  for (const entry of await certificateEntries(tree.filesBelow(CERTIFICATES_FOLDER))) tree.add(entry);
  for (const entry of [...systemEntries(architecture), ...accountEntries()]) tree.addIfAbsent(entry);
  return tree.finish();
};

import type { Architecture } from '@pinlane/contracts';
import { requireLocked, type LockedPackage } from '../lock/lock.ts';
import type { RunOptions } from '../process.ts';
import { accountEntries } from '../tree/accounts.ts';
import { certificateEntries, CERTIFICATES_FOLDER } from '../tree/certificates.ts';
import { maker, type TreeEntry } from '../tree/entry.ts';
import type { Spool } from '../tree/spool.ts';
import { systemEntries } from '../tree/system-files.ts';
import { Tree } from '../tree/tree.ts';
import { readControl, readDeb } from './archive.ts';
import { parseStanzas } from './control.ts';

/** A package of the lock with the verified file that holds it. */
export interface Archive {
  readonly package: LockedPackage;
  readonly file: string;
}

const { file: statusFile } = maker('the package list of the base');

/**
 * What dpkg would have noted of a package, one file each as in Google's distroless images: vulnerability scanners find the packages there.
 * @param control the package's control file
 */
const statusEntry = ({ name }: LockedPackage, control: string): TreeEntry => {
  const [first = '', ...others] = control.trimEnd().split('\n');
  return statusFile(`var/lib/dpkg/status.d/${name}`, `${[first, 'Status: install ok installed', ...others].join('\n')}\n`);
};

/**
 * The root file system that the packages make together, with everything that their maintainer scripts would add.
 * @throws ERR_BASE_LOCK_INVALID if a package is another one than the lock says, ERR_BASE_CONFLICT, ERR_LAYER_UNSAFE, ERR_ADAPTER
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

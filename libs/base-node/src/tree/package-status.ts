import type { LockedPackage } from '../lock/lock.ts';
import { maker, type TreeEntry } from './entry.ts';

const { file } = maker('the package list of the base');

/**
 * What dpkg would have noted of a package, one file each as in Google's distroless images: vulnerability scanners find the packages there.
 * @param control the package's control file
 */
export const statusEntry = ({ name }: LockedPackage, control: string): TreeEntry => {
  const [first = '', ...others] = control.trimEnd().split('\n');
  return file(`var/lib/dpkg/status.d/${name}`, `${[first, 'Status: install ok installed', ...others].join('\n')}\n`);
};

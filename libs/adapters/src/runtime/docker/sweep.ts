import type { Docker } from './daemon.ts';
import { isGone, OWNED, OWNER_FORMAT, parseOwners, startOf, thisOwner } from './owner.ts';

/** Removes the containers of runs that were killed before they could. Those of processes that still run, or cannot be seen, stay. */
export const sweep = async (docker: Docker): Promise<void> => {
  const { stdout } = await docker.run(['ps', '--all', '--no-trunc', '--filter', OWNED, '--format', OWNER_FORMAT]);
  const here = thisOwner();
  const left = parseOwners(stdout).filter(({ owner }) => isGone(owner, here, startOf));
  // Another process may sweep at the same moment.
  if (left.length > 0) await docker.run(['rm', '--force', '--volumes', ...left.map(({ id }) => id)], { expectedCodes: [1] });
};

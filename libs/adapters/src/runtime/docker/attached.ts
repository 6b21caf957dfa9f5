import { follow, type Followed, type TakeOutput } from '../follow.ts';
import type { Docker } from './daemon.ts';

/** A container that was started, with Docker's client attached to it: the client's exit code is the container's. */
export type Attached = Followed;

/** Starts a created container. `output` gets each piece of what it writes, and is never waited for. */
export const startAttached = (
  { program }: Docker,
  id: string,
  { interactive, output }: { readonly interactive: boolean; readonly output: TakeOutput },
): Attached => {
  const args = ['start', '--attach', ...(interactive ? ['--interactive'] : []), id];
  // A group of its own: the client would hand on Ctrl-C from the terminal to the container, past whoever started it.
  return follow({ command: program, args, input: interactive, group: true }, output);
};

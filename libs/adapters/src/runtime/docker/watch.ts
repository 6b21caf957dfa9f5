import { startProgram } from '../../process/index.ts';
import type { Docker } from './daemon.ts';

/** What a start has made, and must not outlive it. */
export interface Made {
  readonly containers: readonly string[];
  readonly folder: string;
}

const SCRIPT = 'program=$1 folder=$2; shift 2; cat >/dev/null; "$program" rm --force --volumes "$@" >/dev/null 2>&1; rm -rf "$folder"';

/**
 * Watches over this process: when it goes, however it goes, the pipe to a shell ends, and the shell removes what was made. Returns what calls the watch off.
 * If the shell is killed too, the next start sweeps.
 */
export const watchOver = ({ program }: Docker, { containers, folder }: Made): (() => void) => {
  const args = ['-c', SCRIPT, 'pinlane-watch', program, folder, ...containers];
  // The group is for the end of the watch: it takes along the `cat` that the shell waits for.
  const shell = startProgram({ command: '/bin/sh', args, input: true, output: false, group: true });
  shell.unref();
  return () => shell.kill('SIGKILL');
};

import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Docker } from './daemon.ts';

/** What a start has made, and must not outlive it. */
export interface Made {
  readonly containers: readonly string[];
  readonly folder: string;
}

const SCRIPT = 'program=$1 folder=$2; shift 2; cat >/dev/null; "$program" rm --force --volumes "$@" >/dev/null 2>&1; rm -rf "$folder"';

/**
 * Watches over this process: when it goes, however it goes, the pipe to a shell ends, and the shell removes what was made. Returns what calls
 * the watch off. Where the shell is killed too, the next start sweeps.
 */
export const watchOver = ({ program }: Docker, { containers, folder }: Made): (() => void) => {
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'pinlane-watch', program, folder, ...containers], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  shell.on('error', () => {});
  shell.stdin.on('error', () => {});
  // Neither the shell nor the pipe to it keeps this process alive.
  shell.unref();
  (shell.stdin as Socket).unref();
  return () => {
    if (shell.pid === undefined || shell.exitCode !== null || shell.signalCode !== null) return;
    try {
      // With `cat`, which is of its group.
      process.kill(-shell.pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  };
};

import { subscribe } from 'node:diagnostics_channel';
// A namespace, because Node 20, on which somebody may start Nx, has no such export.
import * as nodeModule from 'node:module';
import { basename } from 'node:path';

/** What is needed of Node's `ChildProcess`. */
interface Program {
  readonly spawnfile: string;
  once(event: 'exit' | 'error', listener: () => void): unknown;
  kill(): boolean;
  ref(): void;
}

/** Programs that this process started since it was watched, and that still run. */
const programs = new Set<Program>();

/** The bundler's process waits for more work, and nobody else has a handle on it. */
const isBundler = ({ spawnfile }: Program): boolean => basename(spawnfile).startsWith('esbuild');

/** Whether this is a process that Nx started for the tasks of an executor, and that has nothing else to do. */
const isOfNx = (): boolean => basename(process.argv[1] ?? '') === 'run-batch.js';

/**
 * Watches what this process starts, so that it can end by itself when it has told Nx all results. Nx 23 ends it otherwise (`killProcessTreeGraceful`): first
 * the programs that it started, then the process, and of each it looks only every tenth of a second whether it is gone.
 * @returns lets it end. As long as another program runs than the bundler, it is left to Nx: an orphan might be waited for longer than that.
 */
export const watchPrograms = (): (() => void) => {
  if (!isOfNx()) return () => undefined;
  subscribe('child_process', (message) => {
    const program = (message as { readonly process: Program }).process;
    programs.add(program);
    program.once('exit', () => programs.delete(program));
    program.once('error', () => programs.delete(program));
  });
  return () => {
    if (![...programs].every(isBundler)) return;
    for (const program of programs) {
      // Its end is waited for.
      program.ref();
      program.kill();
    }
    process.channel?.unref();
    // Nx looks whether the process is gone 5 to 10 ms after it has the results, and again a tenth of a second later. Node would keep what it compiled in its
    // last moment, for up to 20 ms on a machine that ran nothing before; so that is done while nobody waits for the end yet.
    // eslint-disable-next-line n/no-unsupported-features/node-builtins -- It was experimental in some versions; where it is missing only time is lost.
    nodeModule.flushCompileCache?.();
    // Not by itself, which takes down all that was loaded piece by piece. The exit code stays as it was set.
    // eslint-disable-next-line no-restricted-properties
    process.once('beforeExit', () => process.exit());
  };
};

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';

/** A process as Nx starts for the tasks of an executor: it starts a program, tells the result, and would go on for ever because of its channel. */
const processOfNx = (name: string, program: string): string => {
  const folder = temporaryFolder('own-end');
  copyFileSync('/bin/sleep', join(folder, program));
  const cache = join(folder, 'cache');
  writeFileSync(join(folder, 'compiled.mjs'), 'export const compiled = () => 1;\n');
  const file = join(folder, name);
  writeFileSync(
    file,
    `import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { watchPrograms } from ${JSON.stringify(join(import.meta.dirname, '../../src/nx/own-end.ts'))};
process.on('message', () => undefined);
enableCompileCache(${JSON.stringify(cache)});
await import('./compiled.mjs');
const end = watchPrograms();
const program = spawn(${JSON.stringify(join(folder, program))}, ['30'], { stdio: 'ignore' });
program.unref();
end();
const kept = globSync('**', { cwd: ${JSON.stringify(cache)}, withFileTypes: true }).filter((entry) => entry.isFile()).length;
process.send({ pid: program.pid, results: 'x'.repeat(5_000_000), kept });
`,
  );
  return file;
};

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Runs it for a while. */
const run = async (name: string, program: string) => {
  const child = fork(processOfNx(name, program), { execArgv: ['--disable-warning=ExperimentalWarning'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const [{ pid, results, kept }] = (await once(child, 'message')) as [{ pid: number; results: string; kept: number }];
  const code = await Promise.race([exited, setTimeout(name === 'run-batch.js' && program === 'esbuild' ? 20_000 : 1500, 'goes on', { ref: false })]);
  const outlives = isRunning(pid);
  if (outlives) process.kill(pid);
  child.kill();
  await exited;
  return { code, outlives, told: results.length, kept };
};

describe('A process that Nx started for the tasks of an executor', () => {
  it('ends when it has told all results, and takes the bundler along; what it compiled is kept before', async () => {
    expect(await run('run-batch.js', 'esbuild')).toEqual({ code: 0, outlives: false, told: 5_000_000, kept: 1 });
  });

  it.each([
    ['another program runs that it started', 'run-batch.js', 'docker'],
    ['it is a process of something else', 'worker.js', 'esbuild'],
  ])('is left to whoever started it where %s', async (_, name, program) => {
    expect(await run(name, program)).toEqual({ code: 'goes on', outlives: true, told: 5_000_000, kept: 0 });
  });
});

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { startProgram } from '../../src/process/index.ts';
import type { Docker } from '../../src/runtime/docker/daemon.ts';
import { watchOver } from '../../src/runtime/docker/watch.ts';
import { follow } from '../../src/runtime/follow.ts';

// Real processes: what takes a second may take many on a busy machine.
jest.setTimeout(60_000);

describe('A program that is followed', () => {
  const follower = (script: string, input: boolean) => {
    const said: string[] = [];
    const program = follow({ command: '/bin/sh', args: ['-c', script], input }, (stream, chunk) => said.push(`${stream}: ${Buffer.from(chunk).toString()}`));
    return { said, program };
  };

  it('hands over what it writes, reads what is written to it, and says how it ended', async () => {
    const { said, program } = follower('read line; echo "$line"; read more || echo closed >&2; exit 4', true);
    expect(program.running()).toBe(true);
    program.write('hello\n');
    program.endInput();
    expect(await program.exited).toBe(4);
    expect([program.running(), said.sort()]).toEqual([false, ['stderr: closed\n', 'stdout: hello\n']]);
  });

  it('has no exit code if it is killed, or was never started', async () => {
    const { program } = follower('exec sleep 90', false);
    program.kill('SIGKILL');
    expect(await program.exited).toBeNull();
    const said: string[] = [];
    expect(await follow({ command: '/pinlane/none', args: [] }, (_, chunk) => said.push(Buffer.from(chunk).toString())).exited).toBeNull();
    expect(said.join()).toMatch(/^\/pinlane\/none: .*ENOENT/);
  });

  it('is ended with all of its group', async () => {
    const program = startProgram({ command: '/bin/sh', args: ['-c', 'sleep 90 & echo begun; wait'], group: true });
    await once(program.stdout, 'data');
    program.kill('SIGKILL');
    // This would take until the other process, which has the output too, ended by itself.
    expect(await program.ended).toEqual({ exitCode: null });
  });
});

describe('The watch over this process', () => {
  let folder: string;
  let log: string;
  beforeEach(() => {
    folder = temporaryFolder('watch');
    log = join(folder, 'log');
    writeFileSync(join(folder, 'docker'), `#!/bin/sh\necho "$@" >> ${log}\n`, { mode: 0o755 });
    writeFileSync(log, '');
  });

  const watching = `
    const { watchOver } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/runtime/docker/watch.ts'))});
    const callOff = watchOver({ program: process.argv[1] + '/docker' }, { containers: ['one', 'two'], folder: process.argv[1] + '/made' });
    if (process.argv[2] === 'off') callOff();
  `;
  const runWatched = async (how: string): Promise<number | null> => {
    const args = ['--conditions=@pinlane/source', '--input-type=module', '-e', watching, folder, how];
    return (await startProgram({ command: process.execPath, args }).ended).exitCode;
  };

  it('does not keep it alive, and removes containers when it has gone', async () => {
    expect(await runWatched('on')).toBe(0);
    for (let round = 0; round < 500 && readFileSync(log, 'utf8') === ''; round += 1) await sleep(50);
    expect(readFileSync(log, 'utf8')).toBe('rm --force --volumes one two\n');
  });

  it('removes nothing once it is called off', async () => {
    const callOff = watchOver({ program: join(folder, 'docker') } as Docker, { containers: ['one'], folder: join(folder, 'made') });
    callOff();
    expect(await runWatched('off')).toBe(0);
    await sleep(300);
    expect(readFileSync(log, 'utf8')).toBe('');
  });
});

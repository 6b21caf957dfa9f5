// What a person types: nx affected -t pin in lane staging, with a push, for one line of the hello world.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { median } from '../measure.mjs';
import { addHelloProcessor } from './hello.mjs';

/** Median seconds of the whole command, and of a task of Nx that does nothing; `run` starts Nx in the copy `cwd`, whose base is built. */
export const wholeCommand = async ({ cwd, run, host, runs, say }) => {
  const change = addHelloProcessor(cwd);
  const git = (...args) => execFileSync('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', ...args], { cwd, stdio: 'ignore' });
  const commit = () => (git('add', '-A'), git('commit', '-qm', 'bench'));
  const pins = () => readFileSync(join(cwd, 'processors/bench-hello/registry.yaml'), 'utf8');
  const env = { PINLANE_LANE: 'staging', PINLANE_PUSH: 'true', PINLANE_REGISTRY: `${host}/bench`, PINLANE_ENGINE: 'embedded' };
  const samples = { whole: [], noop: [] };
  for (let at = -1; at < runs; at++) {
    say(`the whole command, run ${at + 1} of ${runs}`);
    const before = pins();
    change(`whole ${at}`);
    const { seconds } = await run(['affected', '-t', 'pin', '--base=HEAD'], { env });
    if (pins() === before) throw new Error('nx affected -t pin wrote no new pin');
    const noop = await run(['run', 'floor:noop']);
    commit();
    // The first is cold.
    if (at >= 0) {
      samples.whole.push(seconds);
      samples.noop.push(noop.seconds);
    }
  }
  return { whole: median(samples.whole), noop: median(samples.noop) };
};

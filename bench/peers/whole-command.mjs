// The command that a person types: nx affected -t pin in lane staging, with a push, after one line of the hello world has changed.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { median } from '../measure.mjs';
import { addHelloProcessor } from './hello.mjs';

/** The median of the whole command in seconds, by engine, and that of nx:noop; and in `cpu` the CPU time of each. `run` starts Nx in the copy `cwd`, in which the base is built. */
export const wholeCommand = async ({ cwd, run, host, engines, runs, say }) => {
  const change = addHelloProcessor(cwd);
  const git = (...args) => execFileSync('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', ...args], { cwd, stdio: 'ignore' });
  const pins = () => readFileSync(join(cwd, 'processors/bench-hello/registry.yaml'), 'utf8');
  const pinned = async (engine, word) => {
    const before = pins();
    change(`${engine} ${word}`);
    const env = { PINLANE_LANE: 'staging', PINLANE_PUSH: 'true', PINLANE_REGISTRY: `${host}/bench`, PINLANE_ENGINE: engine };
    const measured = await run(['affected', '-t', 'pin', '--base=HEAD'], { env });
    if (pins() === before) throw new Error(`nx affected -t pin wrote no new pin with engine ${engine}`);
    git('add', '-A');
    git('commit', '-qm', 'bench');
    return measured;
  };

  const samples = { noop: [] };
  for (const engine of engines) {
    samples[engine] = [];
    await pinned(engine, 'cold');
    for (let at = 0; at < runs; at++) {
      say(`the whole command, engine ${engine}, run ${at + 1} of ${runs}`);
      samples[engine].push(await pinned(engine, at));
      samples.noop.push(await run(['run', 'floor:noop']));
    }
  }
  const medians = (pick) => Object.fromEntries(Object.entries(samples).map(([name, taken]) => [name, median(taken.map(pick))]));
  return { ...medians(({ seconds }) => seconds), cpu: medians(({ cpu }) => cpu) };
};

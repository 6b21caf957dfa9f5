// What a fresh clone costs us: clones a workspace, changes what a scenario says, and pins in lane staging with a push.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { measure } from '../measure.mjs';
import { changeBase, changeOne, cloneFresh } from './workspaces.mjs';

const pinsChanged = (cwd) =>
  execFileSync('git', ['diff', '--name-only'], { cwd, encoding: 'utf8' })
    .split('\n')
    .filter((path) => path.endsWith('registry.yaml')).length;

/** How many pins each scenario moves, and what Nx is asked: CI asks for what a commit affects where there is one. */
const SCENARIOS = {
  'nothing changed': { pins: () => 0, command: (target) => ['run-many', '-t', target], change: () => undefined },
  'one line changed': { pins: () => 1, command: (target) => ['affected', '-t', target, '--base=HEAD~1'], change: ({ to, word }) => changeOne(to, word) },
  'base changed': {
    pins: (count) => count,
    command: (target) => ['run-many', '-t', target],
    change: ({ root, to, makeBase }) => changeBase(root, to, makeBase()),
  },
};

/** The scenarios, by what was changed since the last pins. */
export const scenarios = Object.keys(SCENARIOS);

/**
 * Opens the samples of one workspace. @param site `root`, `origin`, `count` and `makeBase` of the workspace, the `folder` for clones, `nx`, the counting
 * `registry`, and the `prefix` that its images have in there
 * @returns the first pins; a sample of a scenario by an engine, with `env` besides and `daemons` that work for it; and a sample of Nx's own floor
 */
export const openSamples = ({ root, origin, count, makeBase, folder, nx, registry, prefix }) => {
  const staging = { PINLANE_LANE: 'staging', PINLANE_PUSH: 'true', PINLANE_REGISTRY: prefix };
  let clones = 0;
  mkdirSync(folder, { recursive: true });
  const fresh = (scenario) => {
    const to = join(folder, `clone-${++clones}`);
    const env = cloneFresh(root, origin, to);
    SCENARIOS[scenario].change({ root, to, makeBase, word: `${scenario} ${count} ${clones}` });
    return { to, env };
  };
  return {
    first: async () => {
      const env = { ...cloneEnv, ...staging };
      await measure([...nx, 'run-many', '-t', 'pin'], { cwd: origin, env });
      execFileSync('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', 'commit', '-qam', 'pins'], { cwd: origin });
    },
    floor: async (scenario) => {
      const { to, env } = fresh(scenario);
      return measure([...nx, ...SCENARIOS[scenario].command('floor')], { cwd: to, env });
    },
    sample: async (scenario, engine, { env: more = {}, daemons = [] } = {}) => {
      const { to, env } = fresh(scenario);
      await registry.take();
      const options = { cwd: to, env: { ...env, ...staging, PINLANE_ENGINE: engine, ...more }, daemons };
      const measured = await measure([...nx, ...SCENARIOS[scenario].command('pin')], options);
      const traffic = await registry.take();
      const pins = pinsChanged(to);
      // A run that did nothing would be the fastest one.
      if (pins !== SCENARIOS[scenario].pins(count)) throw new Error(`${scenario}: ${pins} pins were written\n${measured.stdout.slice(-3000)}`);
      return { ...measured, traffic };
    },
  };
};

const cloneEnv = { NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false', NX_TUI: 'false' };

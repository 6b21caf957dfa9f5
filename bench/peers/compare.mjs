// The comparison: every tool that is installed builds the same hello world for both platforms, and pushes it to one registry.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { measure, median } from '../measure.mjs';
import { answers, installed, PATH } from '../programs.mjs';
import { bundleScripts } from '../scripts.mjs';
import { makeHello } from './hello.mjs';
import { digestsOf, startRegistry } from './registry.mjs';
import { tools } from './tools.mjs';

/** The first thing that a tool lacks; undefined if it lacks nothing. A need of several words is a command that must succeed. */
const lacking = ({ needs }) =>
  needs.find((part) => {
    const argv = part.split(' ');
    return !installed(argv[0]) || (argv.length > 1 && !answers(argv));
  });

const SCRIPTS = Object.fromEntries(['embedded', 'running', 'push-base', 'serve'].map((name) => [name, `bench/peers/${name}.ts`]));

/** Starts the registry and pushes the base to it from `store`, the folder of a store that holds `base-node`. */
export const prepareRegistry = async ({ root, temporary, store }) => {
  const scripts = await bundleScripts(root, join(temporary, 'scripts'), SCRIPTS);
  const registry = await startRegistry(join(temporary, 'registry'), installed('docker-registry') ? 'docker-registry' : null, scripts.serve);
  const base = { repository: 'bench/base', tag: '1' };
  try {
    const pushed = [process.execPath, scripts['push-base'], store, 'base-node', `${registry.host}/${base.repository}`, base.tag];
    base.digest = execFileSync(pushed[0], pushed.slice(1), { encoding: 'utf8' }).trim();
  } catch (error) {
    registry.stop();
    throw error;
  }
  return { ...registry, base, scripts };
};

/** The median of our build and push in seconds, in one process that does it many times, so that the start of Node does not count. */
const inRunningProcess = ({ host, hello, keep, scripts, runs }) => {
  const argv = [scripts.running, hello.files, join(hello.files, 'app/main.mjs'), join(keep, 'store'), `${host}/bench/running`, '1', String(2 * runs)];
  return median(JSON.parse(execFileSync(process.execPath, argv, { encoding: 'utf8' })));
};

/** Measures the commands of a tool, run one after the other. */
const timed = async (tool, state, more = {}) => {
  const options = { cwd: tool.cwd, env: { ...tool.env, PATH }, daemons: tool.daemons, ...more };
  for (const argv of tool.before?.(state) ?? []) await measure(argv, options);
  let [seconds, cpu, tree] = [0, 0, 0];
  for (const argv of tool.build(state)) {
    const step = await measure(argv, options);
    seconds += step.seconds;
    cpu += step.cpu;
    tree = Math.max(tree, step.tree);
  }
  return { seconds, cpu, tree };
};

/** Whether two pushes gave the same image, or at least the same platforms under another index. */
const sameness = (before, after) => {
  const equal = (pick) => JSON.stringify(before.map(pick)) === JSON.stringify(after.map(pick));
  if (equal(({ whole }) => whole)) return 'yes';
  return equal(({ platforms }) => platforms) ? 'platforms, not the index' : 'NO';
};

const compareOne = async (tool, { host, hello, runs, say }) => {
  let run = 0;
  const once = (more = {}, memory = false) => timed(tool, { run: ++run, ...more }, { memory });
  const digests = () => Promise.all(tool.pushed.map(([name, tag]) => digestsOf(host, `bench/${name}`, tag)));
  const samples = { unchanged: [], changed: [], cpu: [] };
  say(`${tool.name}: cold`);
  const cold = await once({ cold: 1 });
  // This run fills the caches that the next runs may use.
  await once();
  for (let at = 0; at < runs; at++) {
    say(`${tool.name}: run ${at + 1} of ${runs}`);
    samples.unchanged.push((await once()).seconds);
    const before = await digests();
    hello.change(`${tool.name} ${at}`);
    const { seconds, cpu } = await once();
    samples.changed.push(seconds);
    samples.cpu.push(cpu);
    // A tool that built nothing would be the fastest one.
    if (sameness(before, await digests()) === 'yes') throw new Error(`${tool.name} pushed the same image after a line had changed`);
  }
  const before = await digests();
  hello.touch();
  await once();
  const kept = sameness(before, await digests());
  // Only a build without a cache tells what another machine would build.
  await once({ cold: 2 });
  const stable = [kept, sameness(before, await digests())];
  hello.change(`${tool.name} memory`);
  const { tree } = await once({}, true);
  const medians = Object.fromEntries(Object.entries(samples).map(([name, taken]) => [name, median(taken)]));
  return { name: tool.name, cold: cold.seconds, coldIs: tool.coldIs, ...medians, tree, stable };
};

/** Measures every tool that is there, and ours in one process that goes on. Tools that are missing are named with what they lack. */
export const comparePeers = async ({ registry, temporary, runs, say }) => {
  const { host, base, scripts } = registry;
  const keep = join(temporary, 'keep');
  mkdirSync(keep, { recursive: true });
  const hello = makeHello(join(temporary, 'hello'), `${host}/${base.repository}@${base.digest}`);
  const [measured, left] = [[], []];
  for (const tool of tools({ host, base, hello, keep, scripts })) {
    const lack = lacking(tool);
    if (lack) {
      left.push(`${tool.name} (${installed(lack.split(' ')[0]) ? `no answer from ${lack}` : `no ${lack}`})`);
      continue;
    }
    try {
      measured.push(await compareOne(tool, { host, hello, runs, say }));
    } catch (error) {
      // Ours, the first one, must work. If another tool fails on this machine, the rest of the table is still worth printing.
      if (measured.length === 0) throw error;
      say(String(error.message));
      left.push(`${tool.name} (it failed: ${error.message.trim().split('\n').at(-1)})`);
    }
  }
  say('pinlane, embedded, in a process that goes on');
  return { measured, left, running: inRunningProcess({ host, hello, keep, scripts, runs }) };
};

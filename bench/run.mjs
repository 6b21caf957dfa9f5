// npm run bench: medians against the targets, measured in copies of this workspace. Options: npm run bench -- one-line --runs=5
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureDrift, modalPython } from './drift/drift.mjs';
import { measureFleet } from './fleet.mjs';
import { freshRows, measureFresh } from './fresh/fresh.mjs';
import { measure, median } from './measure.mjs';
import { comparePeers, prepareRegistry } from './peers/compare.mjs';
import { peerLines, peerRows } from './peers/report.mjs';
import { wholeCommand } from './peers/whole-command.mjs';
import { table } from './table.mjs';
import { addLargeBase, copyWorkspace, manyProcessors } from './workspace.mjs';

const PARTS = ['cold', 'one-line', 'unchanged', 'memory', 'inference', 'many', 'drift', 'peers', 'fresh'];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '5' }, only: { type: 'string' }, help: { type: 'boolean' } },
});
const only = values.only === undefined ? positionals : [values.only, ...positionals];
const unknown = only.find((each) => !PARTS.includes(each));
if (unknown !== undefined) console.log(`There is no part ${unknown}.`);
if (values.help || unknown !== undefined) {
  console.log(`npm run bench -- [--runs=N] [PART…], all if none is named: ${PARTS.join(', ')}. --only=PART is another spelling.`);
  console.log('PINLANE_BENCH_PATH=<folders> names where the tools are that peers are, if not on PATH.');
  process.exit(unknown === undefined ? 0 : 1);
}
const runs = Number(values.runs);
const wanted = (name) => only.length === 0 || only.includes(name);
const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const temporary = mkdtempSync(join(tmpdir(), 'pinlane-bench-'));
// Nothing is left behind, even if the bench is interrupted.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
process.once('exit', () => rmSync(temporary, { recursive: true, force: true }));
// The Nx of the copy that is measured, as `npx nx` finds it: every command runs in the folder of a workspace.
const nx = ['node', 'node_modules/nx/dist/bin/nx.js'];
const rows = [];
// What else the machine is doing. The numbers below are worth less the larger this is.
const [busy] = loadavg();
const say = (line) => process.stderr.write(`${line}\n`);

const row = (what, measured, target, unit) =>
  rows.push({
    what,
    measured: `${measured.toFixed(unit === 's' ? 2 : 0)} ${unit}`,
    target: `at most ${target} ${unit}`,
    met: measured <= target ? 'yes' : 'NO',
  });
/** Adds a number that has no target, and explains the one above it. */
const note = (what, measured, unit) => rows.push({ what: `  ${what}`, measured: `${measured.toFixed(unit === 's' ? 2 : 0)} ${unit}`, target: '', met: '' });
const LARGE = 400;

const inCopy = async () => {
  const cwd = join(temporary, 'workspace');
  say('copying the workspace');
  copyWorkspace(root, cwd);
  const run = (args, more = {}) => measure([...nx, ...args], { cwd, ...more });
  const pin = ['run', 'llm-litellm:pin'];
  try {
    say('cold: the base, the three processors and their pins, from nothing');
    await run(['show', 'projects']);
    // With the npm client's own cache, the packages would not be downloaded.
    const env = { npm_config_cache: join(temporary, 'npm-cache') };
    const cold = await run(['run-many', '-t', 'pin', '--skipNxCache'], { memory: true, env });
    row('cold: base and three processors, to pinned (one run)', cold.seconds, 40, 's');
    row('cold: peak memory of the largest task', cold.task, 250, 'MB');
    note('with Nx and all tasks at once', cold.tree, 'MB');

    const samples = { noop: [], floor: [], settling: [], unchanged: [], changed: [] };
    const memory = { task: 0, tree: 0 };
    const sampled = wanted('one-line') || wanted('unchanged') ? runs : 0;
    for (let at = 0; at < sampled; at++) {
      say(`run ${at + 1} of ${sampled}: no-op, nothing changed, one line changed`);
      samples.noop.push((await run(['run', 'floor:noop'])).seconds);
      samples.floor.push((await run(['run', 'floor:forked'])).seconds);
      if (wanted('unchanged')) {
        // The first run after one that wrote pins checks all of them, and Nx caches the result for the next run.
        const { seconds } = await run(pin);
        if (at === 0 || wanted('one-line')) samples.settling.push(seconds);
        samples.unchanged.push((await run(pin)).seconds);
      }
      if (wanted('one-line')) {
        appendFileSync(join(cwd, 'processors/llm-litellm/src/main.ts'), `\nglobalThis.process.env['BENCH'] ??= '${at}';\n`);
        samples.changed.push((await run(pin)).seconds);
        appendFileSync(join(cwd, 'processors/llm-litellm/src/main.ts'), `\nglobalThis.process.env['BENCH'] ??= 'memory ${at}';\n`);
        const { task, tree } = await run(pin, { memory: true });
        Object.assign(memory, { task: Math.max(memory.task, task), tree: Math.max(memory.tree, tree) });
      }
    }
    if (sampled > 0) {
      const [noop, forked] = [median(samples.noop), median(samples.floor)];
      // The target is over Nx's own no-op. The note beside it leaves out what Nx adds to every executor that is not its own.
      const over = (what, seconds, target) => {
        row(`${what}, over nx:noop`, seconds - noop, target, 's');
        note('over an executor that does nothing', seconds - forked, 's');
      };
      note('nx run of nx:noop', noop, 's');
      note('nx run of an executor that does nothing', forked, 's');
      if (wanted('unchanged')) {
        over('pin, nothing changed', median(samples.unchanged), 0.3);
        note('the first time after pins were written, over nx:noop', median(samples.settling) - noop, 's');
      }
      if (wanted('one-line')) {
        over('one line of llm-litellm to pinned, both platforms', median(samples.changed), 1.5);
        row('one line: peak memory of the largest task', memory.task, 250, 'MB');
        note('with Nx and all tasks at once', memory.tree, 'MB');
      }
    }
    if (wanted('memory')) {
      say(`a base of ${LARGE} MB and an image on it`);
      addLargeBase(cwd, LARGE);
      for (const [project, what] of [
        ['bench-base', `a base of ${LARGE} MB built`],
        ['bench-onbase', `an image built on ${LARGE} MB`],
      ]) {
        const { task, tree } = await run(['run', `${project}:buildx`], { memory: true });
        row(`${what}: peak memory of the largest task`, task, 250, 'MB');
        note('with Nx and all tasks at once', tree, 'MB');
      }
    }
  } finally {
    await measure([...nx, 'daemon', '--stop'], { cwd }).catch(() => undefined);
  }
};

const others = [];

const peers = async () => {
  const cwd = join(temporary, 'peers/workspace');
  say('copying the workspace and building its base');
  copyWorkspace(root, cwd);
  const run = (args, more = {}) => measure([...nx, ...args], { cwd, ...more });
  let registry;
  try {
    await run(['run', 'base-node:buildx']);
    registry = await prepareRegistry({ root, temporary: join(temporary, 'peers'), store: join(cwd, '.pinlane/store') });
    const found = await comparePeers({ registry, temporary: join(temporary, 'peers'), runs, say });
    const engines = found.measured.some(({ name }) => name === 'docker buildx') ? ['embedded', 'docker'] : ['embedded'];
    rows.push(...peerRows(found, await wholeCommand({ cwd, run, host: registry.host, engines, runs, say })));
    others.push('', ...peerLines(found, registry.name));
  } finally {
    registry?.stop();
    await measure([...nx, 'daemon', '--stop'], { cwd }).catch(() => undefined);
  }
};

const inference = async () => {
  const count = 1000;
  const env = { NX_DAEMON: 'false', NX_CACHE_PROJECT_GRAPH: 'false' };
  const samples = { ours: [], empty: [], 'project.json': [] };
  for (const kind of Object.keys(samples)) manyProcessors(root, join(temporary, kind), { count, kind });
  const first = {};
  for (let at = 0; at <= runs; at++) {
    say(`inference of ${count} processors, run ${at} of ${runs}`);
    for (const kind of Object.keys(samples)) {
      const { seconds, stdout } = await measure([...nx, 'show', 'projects', '--json'], { cwd: join(temporary, kind), env });
      const found = JSON.parse(stdout).length;
      // A plugin that did not load would be the fastest one.
      if (found !== (kind === 'empty' ? 0 : count)) throw new Error(`${kind}: ${found} projects were found`);
      if (at > 0) samples[kind].push(seconds);
      else first[kind] = seconds;
    }
  }
  const [ours, empty, byHand] = Object.values(samples).map(median);
  row(`${count} processors inferred, over the same folders and an empty plugin`, ours - empty, 0.15, 's');
  note(`over ${count} project.json and an empty plugin`, ours - byHand, 's');
  note('the first time, when no registry.yaml was ever read (one run), over an empty plugin', first.ours - first.empty, 's');
};

const fleets = async () => {
  for (const count of [100, 1000]) {
    const to = join(temporary, `fleet-${count}`);
    const { floor, unchanged, affectedFloor, affectedNothing, one, all, task } = await measureFleet({ root, to, count, runs, nx, say });
    row(`${count} processors on one base, nothing changed, over a nx:noop for each`, unchanged - floor, count === 100 ? 1 : 5, 's');
    note(`nx:noop for each of ${count}`, floor, 's');
    const memory = `${count} processors, nothing changed: peak memory of the largest process`;
    const changed = `${count} processors, one changed, by nx affected, of the time of its nx:noop`;
    if (count === 100) {
      row(memory, task, 300, 'MB');
      note(changed, (100 * one) / affectedFloor, '%');
    } else {
      note(memory, task, 'MB');
      row(changed, (100 * one) / affectedFloor, 130, '%');
    }
    note('nx affected of its nx:noop', affectedFloor, 's');
    note('and of an executor that does nothing, of the time of nx:noop', (100 * affectedNothing) / affectedFloor, '%');
    if (count === 100) row(`${count} processors, all changed (one run)`, all, 20, 's');
    else note('all changed (one run)', all, 's');
  }
};

const drift = async () => {
  const count = 1000;
  const what = `drift of ${count} apps on Modal's stand-in, the whole command`;
  const python = modalPython();
  if (python === null) rows.push({ what: `${what}: not measured without Modal's Python client`, measured: '', target: '', met: '' });
  else {
    const { first, later } = await measureDrift({ root, temporary: join(temporary, 'drift'), count, runs, python, say });
    row(what, first, 2, 's');
    row(`${what}, with 30 earlier reports on its page`, later, 2.5, 's');
  }
};

const fresh = async () => {
  const found = await measureFresh({ root, temporary: join(temporary, 'fresh'), runs, nx, say });
  rows.push(...freshRows(found));
  others.push('', ...found.lines);
};

// If one part fails, the numbers of the others, which took minutes, are still printed.
const part = async (names, run) => {
  if (!names.some(wanted)) return;
  try {
    await run();
  } catch (error) {
    process.exitCode = 1;
    say(error.stack);
    rows.push({ what: `${names.join(', ')}: ended by an error, see above`, measured: '', target: '', met: 'NO' });
  }
};
await part(['cold', 'one-line', 'unchanged', 'memory'], inCopy);
await part(['inference'], inference);
await part(['many'], fleets);
await part(['drift'], drift);
await part(['peers'], peers);
await part(['fresh'], fresh);
console.log(`medians of ${runs} runs on ${cpus().length} cores (load ${busy.toFixed(1)} when it began), Node ${process.version}\n`);
console.log([...table(['what', 'measured', 'target', 'met'], rows), ...others].join('\n'));

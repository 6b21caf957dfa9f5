// npm run bench: medians against the targets, in copies of this workspace. -- --runs=5 --only=one-line
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measure, median } from './measure.mjs';
import { copyWorkspace, manyProcessors } from './workspace.mjs';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '5' }, only: { type: 'string' }, help: { type: 'boolean' } } });
if (values.help) {
  console.log('npm run bench -- [--runs=N] [--only=cold|one-line|unchanged|inference]');
  process.exit(0);
}
const runs = Number(values.runs);
const wanted = (name) => values.only === undefined || values.only === name;
const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const temporary = mkdtempSync(join(tmpdir(), 'pinlane-bench-'));
const nx = ['node', join(root, 'node_modules/nx/dist/bin/nx.js')];
const rows = [];
const say = (line) => process.stderr.write(`${line}\n`);

const row = (what, measured, target, unit) =>
  rows.push({
    what,
    measured: `${measured.toFixed(unit === 's' ? 2 : 0)} ${unit}`,
    target: `at most ${target} ${unit}`,
    met: measured <= target ? 'yes' : 'NO',
  });

const inCopy = async () => {
  const cwd = join(temporary, 'workspace');
  say('copying the workspace');
  copyWorkspace(root, cwd);
  const run = (args, more = {}) => measure([...nx, ...args], { cwd, ...more });
  const pin = ['run', 'llm-litellm:pin'];
  try {
    say('cold: the base, the three processors and their pins, from nothing');
    await run(['show', 'projects']);
    const cold = await run(['run-many', '-t', 'pin', '--skipNxCache'], { memory: true });
    row('cold: base and three processors, to pinned', cold.seconds, 40, 's');
    row('cold: peak memory of the largest process', cold.peak, 250, 'MiB');

    const samples = { noop: [], floor: [], unchanged: [], changed: [] };
    let peak = 0;
    for (let at = 0; at < runs; at++) {
      say(`run ${at + 1} of ${runs}: no-op, nothing changed, one line changed`);
      samples.noop.push((await run(['run', 'floor:noop'])).seconds);
      samples.floor.push((await run(['run', 'floor:forked'])).seconds);
      if (wanted('unchanged')) samples.unchanged.push((await run(pin)).seconds);
      if (wanted('one-line')) {
        appendFileSync(join(cwd, 'processors/llm-litellm/src/main.ts'), `\nglobalThis.process.env['BENCH'] ??= '${at}';\n`);
        samples.changed.push((await run(pin)).seconds);
        appendFileSync(join(cwd, 'processors/llm-litellm/src/main.ts'), `\nglobalThis.process.env['BENCH'] ??= 'memory ${at}';\n`);
        peak = Math.max(peak, (await run(pin, { memory: true })).peak);
      }
    }
    const floor = median(samples.floor);
    rows.push({ what: 'nx run of nx:noop', measured: `${median(samples.noop).toFixed(2)} s`, target: '', met: '' });
    rows.push({ what: 'nx run of an executor that does nothing (the no-op below)', measured: `${floor.toFixed(2)} s`, target: '', met: '' });
    if (wanted('unchanged')) row('pin, nothing changed, over the no-op', median(samples.unchanged) - floor, 0.3, 's');
    if (wanted('one-line')) {
      row('one line of llm-litellm to pinned, both platforms, over the no-op', median(samples.changed) - floor, 1.5, 's');
      row('one line: peak memory of the largest process', peak, 250, 'MiB');
    }
  } finally {
    await measure([...nx, 'daemon', '--stop'], { cwd }).catch(() => undefined);
  }
};

const inference = async () => {
  const count = 1000;
  const env = { NX_DAEMON: 'false', NX_CACHE_PROJECT_GRAPH: 'false' };
  const cases = { floor: { inferred: false }, ours: { inferred: true } };
  for (const [name, { inferred }] of Object.entries(cases)) manyProcessors(root, join(temporary, name), { count, inferred });
  const samples = { floor: [], ours: [] };
  for (let at = 0; at <= runs; at++) {
    say(`inference of ${count} processors, run ${at} of ${runs}`);
    for (const name of Object.keys(cases)) {
      const { seconds } = await measure([...nx, 'show', 'projects', '--json'], { cwd: join(temporary, name), env });
      if (at > 0) samples[name].push(seconds);
    }
  }
  row(`${count} processors inferred, over ${count} project.json and an empty plugin`, median(samples.ours) - median(samples.floor), 0.15, 's');
};

try {
  if (['cold', 'one-line', 'unchanged'].some(wanted)) await inCopy();
  if (wanted('inference')) await inference();
  const columns = ['what', 'measured', 'target', 'met'];
  const widths = columns.map((column) => Math.max(column.length, ...rows.map((each) => each[column].length)));
  const line = (cells) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at]))
      .join('  ')
      .trimEnd();
  console.log(`medians of ${runs} runs on ${cpus().length} cores, Node ${process.version}\n`);
  console.log([line(columns), ...rows.map((each) => line(columns.map((column) => each[column])))].join('\n'));
} finally {
  rmSync(temporary, { recursive: true, force: true });
}

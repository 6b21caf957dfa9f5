// What it costs to tell of many deployed apps whether each is what is pinned: the whole command, by the real SDK against a stand-in of Modal on loopback.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { write } from '../fleet.mjs';
import { measure, median } from '../measure.mjs';
import { answers } from '../programs.mjs';
import { bundleScripts } from '../scripts.mjs';

const PIN = `ghcr.io/bench/p@sha256:${'a'.repeat(64)}`;
const specOf = (at) => `ref: bench/p${at}@1\nimage:\n  repository: ghcr.io/bench/p\n  platforms: { amd64: '${PIN}' }\nruntime: { cpu: 1 }\n`;

/** A workspace of so many processors, all of one pin. */
const makeWorkspace = (to, count) =>
  write(to, {
    'nx.json': '{ "plugins": ["@pinlane/nx"] }',
    ...Object.fromEntries(Array.from({ length: count }, (_, at) => [`processors/bench-p${at}/registry.yaml`, specOf(at)])),
  });

/** Starts the stand-in, and gives the environment that leads to it. */
const startStandIn = async (script, python, spec, count) => {
  const child = spawn(process.execPath, [script, python, spec, String(count)], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill('SIGKILL'));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async (word) => {
    const { value = '' } = await lines.next();
    if (!value.startsWith(`${word} `)) throw new Error(`the stand-in of Modal said ${JSON.stringify(value)}`);
    return value.slice(word.length + 1);
  };
  const env = JSON.parse(await next('ready'));
  return { env, stop: async () => (child.kill('SIGTERM'), Number(await next('woken'))) };
};

/** The Python that has Modal's client, of which the stand-in is made; null if it has none. */
export const modalPython = () => {
  const python = process.env.PINLANE_MODAL_PYTHON ?? 'python3';
  return answers([python, '-c', 'import modal']) ? python : null;
};

/** The earlier reports that the page shows of an environment. */
const EARLIER = 30;
const DAY = 86_400_000;

/** Puts so many reports of days before beside the newest in a folder. */
const addEarlier = (folder) => {
  const newest = readdirSync(folder).sort().at(-1);
  const report = JSON.parse(readFileSync(join(folder, newest), 'utf8'));
  for (let days = 1; days <= EARLIER; days++) {
    const at = new Date(Date.parse(report.at) - days * DAY).toISOString();
    writeFileSync(join(folder, `${at.replaceAll(':', '-')}.json`), `${JSON.stringify({ ...report, at })}\n`);
  }
};

/**
 * The seconds that a report on so many apps takes, from the command's start to its end, all of them in sync: `first` with no more than the few reports before it,
 * `later` with a page of 30 earlier ones.
 */
export const measureDrift = async ({ root, temporary, count, runs, python, say }) => {
  const cwd = join(temporary, 'workspace');
  makeWorkspace(cwd, count);
  const { 'stand-in': script } = await bundleScripts(root, join(temporary, 'scripts'), { 'stand-in': 'bench/drift/stand-in.ts' });
  const standIn = await startStandIn(script, python, join(cwd, 'processors/bench-p0/registry.yaml'), count);
  const argv = ['node', join(root, 'tools/nx-pinlane/bin/pinlane.mjs'), 'drift-report', '--lane=staging', '--adapter=modal', '--json'];
  const measureRuns = async (what) => {
    const samples = [];
    for (let at = 0; at <= runs; at++) {
      say(`drift of ${count} apps${what}, run ${at} of ${runs}`);
      const { seconds, stdout } = await measure(argv, { cwd, env: standIn.env });
      const inSync = JSON.parse(stdout).entries.filter(({ verdict }) => verdict === 'in-sync').length;
      if (inSync !== count) throw new Error(`${inSync} of ${count} apps are in sync`);
      // The first fills V8's compile cache, and what is kept of specs and reports.
      if (at > 0) samples.push(seconds);
    }
    return median(samples);
  };
  const first = await measureRuns('');
  addEarlier(join(cwd, '.pinlane/reports/drift/staging'));
  const later = await measureRuns(` with ${EARLIER} earlier reports`);
  const woken = await standIn.stop();
  if (woken > 0) throw new Error(`${woken} containers were woken`);
  return { first, later };
};

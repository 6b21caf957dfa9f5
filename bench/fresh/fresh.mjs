// A fresh clone on a machine that has nothing, with a registry that takes its time: what is built, what is fetched, and what it costs.
import { join } from 'node:path';
import { rmSync } from 'node:fs';
import { median } from '../measure.mjs';
import { startRegistry } from '../peers/registry.mjs';
import { installed } from '../programs.mjs';
import { bundleScripts } from '../scripts.mjs';
import { table } from '../table.mjs';
import { delayRegistry } from './delayed-registry.mjs';
import { lackOfDocker, startDocker } from './docker.mjs';
import { openSamples, scenarios } from './ours.mjs';
import { buildxPeer, koPeer } from './peers.mjs';
import { makeOrigin, openBases } from './workspaces.mjs';

/** What each request waits, in ms; how many processors there are; and of how many of them a tool is measured that takes minutes for all. */
const [DELAY, SIZES, MOST_OF_PEERS] = [30, [3, 50], 10];

/** The medians of samples of one way. */
const summary = (samples) => {
  const of = (pick) => median(samples.map(pick));
  const { requests, connections } = samples.at(-1).traffic;
  return {
    runs: samples.length,
    seconds: of(({ seconds }) => seconds),
    cpu: of(({ cpu }) => cpu),
    count: of(({ traffic }) => Object.values(traffic.requests).reduce((sum, each) => sum + each, 0)),
    down: of(({ traffic }) => traffic.down),
    layers: of(({ traffic }) => traffic.layersDown),
    up: of(({ traffic }) => traffic.up),
    requests,
    connections,
  };
};

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e6 ? 3 : 1)} MB`;

const tableRow = ({ size, scenario, way, of, summary: found, floor }) => ({
  'fresh clone': `${size} processors, ${scenario}`,
  way: of === undefined || of >= size ? way : `${way}: ${of} of them alone`,
  runs: String(found.runs),
  wall: `${found.seconds.toFixed(2)} s`,
  'over the floor': floor === undefined ? '' : `${(found.seconds - floor.seconds).toFixed(2)} s`,
  CPU: `${found.cpu.toFixed(2)} s`,
  'of the floor': floor === undefined ? '' : `${floor.cpu.toFixed(2)} s`,
  requests: String(found.count),
  down: megabytes(found.down),
  'of layers': megabytes(found.layers),
  up: megabytes(found.up),
});

/** Measures a way so often; its Docker, if it needs one, is a new one each time. */
const sampled = async (times, docker, run) => {
  const samples = [];
  for (let at = 0; at < times; at++) {
    const own = docker === undefined ? undefined : await docker();
    try {
      samples.push(await run(own));
    } finally {
      await own?.stop();
    }
  }
  return summary(samples);
};

const startParts = async ({ root, temporary }) => {
  const scripts = await bundleScripts(root, join(temporary, 'scripts'), { serve: 'bench/peers/serve.ts', 'make-base': 'bench/fresh/make-base.ts' });
  const plain = await startRegistry(join(temporary, 'registry'), installed('docker-registry') ? 'docker-registry' : null, scripts.serve);
  const delayed = await delayRegistry(plain.host, DELAY);
  const makeBase = openBases(temporary, scripts['make-base'], `${delayed.host}/bench/base`);
  let dockers = 0;
  const docker = async () => {
    const folder = join(temporary, `docker-${++dockers}`);
    const started = await startDocker(folder);
    const stop = async () => {
      await started.stop();
      rmSync(folder, { recursive: true, force: true });
    };
    return { ...started, stop };
  };
  const stop = () => {
    delayed.stop();
    plain.stop();
  };
  return { delayed, name: plain.name, makeBase, docker, stop };
};

const peersOf = ({ size, temporary, delayed, makeBase, base, docker, lack }) => {
  const names = Array.from({ length: Math.min(size, MOST_OF_PEERS) }, (_, at) => `p${at}`);
  const site = (kind) => ({ folder: join(temporary, `${kind}-${size}`), host: `${delayed.host}/${kind}${size}`, names, makeBase, base, registry: delayed });
  return [
    ...(lack === undefined ? [{ way: 'docker buildx bake', docker, of: names.length, ...buildxPeer(site('buildx')) }] : []),
    ...(installed('ko') && installed('go') ? [{ way: 'ko build', of: names.length, ...koPeer({ ...site('ko'), warm: join(temporary, 'go-packages') }) }] : []),
  ];
};

/** All samples of a workspace of one size. */
const measureSize = async ({ size, parts, root, temporary, runs, nx, say, lack, failed }) => {
  const { delayed, makeBase, docker } = parts;
  const base = makeBase();
  const origin = join(temporary, `origin-${size}`);
  makeOrigin(root, origin, size, base);
  const ours = openSamples({
    root,
    origin,
    count: size,
    makeBase,
    folder: join(temporary, `clones-${size}`),
    nx,
    registry: delayed,
    prefix: `${delayed.host}/fleet${size}`,
  });
  say(`fresh, ${size} processors: the first pins`);
  await ours.first();
  const results = [];
  const few = Math.min(runs, size > 10 ? 1 : 3);
  for (const scenario of scenarios) {
    const times = scenario === 'base changed' ? few : runs;
    say(`fresh, ${size} processors, ${scenario}: ours, ${times} times`);
    const floors = [];
    const embedded = await sampled(times, undefined, async () => {
      floors.push(await ours.floor(scenario));
      return ours.sample(scenario, 'embedded');
    });
    const floor = { seconds: median(floors.map(({ seconds }) => seconds)), cpu: median(floors.map(({ cpu }) => cpu)) };
    const add = (way, found, more = {}) => results.push({ size, scenario, way, summary: found, floor, ...more });
    add('pinlane, embedded', embedded);
    // Building so many by BuildKit takes minutes, and is what the other engine is not for.
    if (lack === undefined && (scenario !== 'base changed' || size <= MOST_OF_PEERS)) {
      say(`fresh, ${size} processors, ${scenario}: ours by Docker`);
      add('pinlane, docker', await sampled(few, docker, (own) => ours.sample(scenario, 'docker', { env: own.env, daemons: own.pids })));
    }
  }
  const measurePeer = async (peer) => {
    say(`fresh, ${size} processors: ${peer.way}`);
    await sampled(1, peer.docker, (own) => peer.first(own).then((first) => first ?? { seconds: 0, cpu: 0, traffic: { requests: {} } }));
    for (const scenario of scenarios) {
      const found = await sampled(few, peer.docker, (own) => peer.sample(scenario, `${scenario} ${performance.now()}`, own));
      results.push({ size, scenario, way: peer.way, summary: found, of: scenario === 'one line changed' ? undefined : peer.of });
    }
  };
  for (const peer of peersOf({ size, temporary, delayed, makeBase, base: base.reference, docker, lack })) {
    // If another tool fails on this machine, the rest of the table is still worth printing.
    await measurePeer(peer).catch((error) => {
      say(error.stack);
      failed.push(`${peer.way} of ${size} (it failed, see above)`);
    });
  }
  return results;
};

const kindsOf = ({ requests, connections }) =>
  `${Object.entries(requests)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ')}; ${connections} connections`;

/** Everything that is measured on fresh clones. @returns `results`, and the lines of their table with what has to be known of it */
export const measureFresh = async ({ root, temporary, runs, nx, say }) => {
  const parts = await startParts({ root, temporary });
  const lack = lackOfDocker();
  const [results, failed] = [[], []];
  try {
    for (const size of SIZES) results.push(...(await measureSize({ size, parts, root, temporary, runs, nx, say, lack, failed })));
  } finally {
    parts.stop();
  }
  const order = (each) => SIZES.indexOf(each.size) * 10 + scenarios.indexOf(each.scenario);
  const rows = [...results].sort((a, b) => order(a) - order(b)).map(tableRow);
  const ours = results.filter(({ way }) => way === 'pinlane, embedded');
  const left = [...(lack === undefined ? [] : [`Docker (${lack})`]), ...(installed('ko') && installed('go') ? [] : ['ko (no ko, or no go)']), ...failed];
  const lines = [
    ...table(Object.keys(rows[0]), rows),
    '',
    `registry: ${parts.name}, each request delayed by ${DELAY} ms; bytes are those of bodies`,
    'a clone has no .pinlane, no cache of Nx and none of Node; its node_modules are linked. Docker is started empty for each sample, not measured',
    "one line: nx affected -t pin, else nx run-many -t pin; the floor is the same of nx:noop. Others build the one that changed, their files are bundled already, and ko has Go's own packages compiled",
    ...ours.map(({ size, scenario, summary: found }) => `  ${size} processors, ${scenario}: ${kindsOf(found)}`),
    ...(left.length > 0 ? [`left out: ${left.join('; ')}`] : []),
  ];
  return { results, lines };
};

/** What a fresh clone of the larger workspace may cost over Nx's floor, in seconds and in bytes. */
const TARGETS = [
  { scenario: 'nothing changed', seconds: 1.5, bytes: 0, pick: ({ layers }) => layers, what: 'bytes of layers fetched' },
  { scenario: 'one line changed', seconds: 2.5, bytes: 1e6, pick: ({ down }) => down, what: 'bytes fetched' },
];

/** Rows for the bench's table of targets. */
export const freshRows = ({ results }) =>
  TARGETS.flatMap(({ scenario, seconds, bytes, pick, what }) => {
    const { size, summary: found, floor } = results.findLast((each) => each.scenario === scenario && each.way === 'pinlane, embedded');
    const over = found.seconds - floor.seconds;
    const name = `fresh clone, ${size} processors, ${scenario}`;
    return [
      { what: `${name}, over nx:noop`, measured: `${over.toFixed(2)} s`, target: `at most ${seconds} s`, met: over <= seconds ? 'yes' : 'NO' },
      { what: `${name}: ${what}`, measured: String(pick(found)), target: `at most ${bytes}`, met: pick(found) <= bytes ? 'yes' : 'NO' },
    ];
  });

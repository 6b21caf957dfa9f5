// The results of the comparison, as a table, and against the targets of issue 4.
import { table } from '../table.mjs';

const seconds = (number) => `${number.toFixed(2)} s`;

/** The table of what was measured, ours first, and below it what was left out. */
export const peerLines = ({ measured, left }, registry) => {
  const ours = measured[0];
  const rows = measured.map((each) => ({
    'built and pushed, two platforms': each.name,
    cold: seconds(each.cold),
    'nothing changed': seconds(each.unchanged),
    'one line': seconds(each.changed),
    'times ours': (each.changed / ours.changed).toFixed(1),
    'memory, all processes': `${each.tree.toFixed(0)} MB`,
    'same digest after a touch': each.stable[0],
    'and built without a cache': each.stable[1],
  }));
  return [
    ...table(Object.keys(rows[0]), rows),
    '',
    `registry: ${registry}; cold is one run with nothing kept on this side`,
    ...measured.filter(({ coldIs }) => coldIs).map(({ name, coldIs }) => `  ${name}: cold is ${coldIs}`),
    ...(left.length > 0 ? [`left out: ${left.join('; ')}`] : []),
  ];
};

/** Rows for the bench's table of targets. A target that is relative to a tool which is not here is neither met nor missed. */
export const peerRows = ({ measured, running }, { embedded, docker, noop, cpu }) => {
  const against = (what, value, tool, times, words) => {
    const peer = measured.find(({ name }) => name.startsWith(tool));
    const target = peer ? `${words} ${tool}: ${seconds(peer.changed / times)}` : `${words} ${tool}, which is not here`;
    return { what, measured: seconds(value), target, met: peer ? (value * times <= peer.changed ? 'yes' : 'NO') : '-' };
  };
  const note = (what, value) => ({ what: `  ${what}`, measured: seconds(value), target: '', met: '' });
  const ours = measured[0].changed;
  const ko = measured.find(({ name }) => name.startsWith('ko build'));
  return [
    against('one line built and pushed, both platforms', ours, 'crane append', 1, 'at most'),
    against('one line built and pushed, both platforms', ours, 'docker buildx', 3, 'at most a third of'),
    against('  the engine alone, in a process that goes on', running, 'crane append', 1, 'at most'),
    against('  the engine alone, in a process that goes on', running, 'docker buildx', 3, 'at most a third of'),
    against('nx affected -t pin of one line with a push, whole', embedded, 'ko build', 1, 'at most'),
    note('its CPU time, all processes', cpu.embedded),
    note("and that of Nx's own no-op", cpu.noop),
    ...(ko === undefined ? [] : [note('CPU time of ko build', ko.cpu)]),
    ...(docker === undefined ? [] : [note('the same with --engine=docker', docker)]),
    note('nx run of nx:noop in the same minutes', noop),
  ];
};

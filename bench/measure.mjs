// Runs a command to its end and tells how long it took and how much memory its largest process used.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const children = () => {
  const parents = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
      parents.set(parent, [...(parents.get(parent) ?? []), pid]);
    } catch {
      // The process has ended since it was listed.
    }
  }
  return parents;
};

const peakOf = (pid) => {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
};

const descendants = (pid, parents) => (parents.get(String(pid)) ?? []).flatMap((child) => [child, ...descendants(child, parents)]);

/** Wall-clock seconds of a command; with `memory`, also the peak of its largest descendant in MiB. A failure ends the bench. */
export const measure = (argv, { cwd, env = {}, memory = false }) =>
  new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(argv[0], argv.slice(1), { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = [];
    let peak = 0;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
    const watch = memory
      ? setInterval(() => {
          for (const pid of descendants(child.pid, children())) peak = Math.max(peak, peakOf(pid));
        }, 20)
      : undefined;
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(watch);
      const seconds = (performance.now() - started) / 1000;
      if (code === 0) resolve({ seconds, peak });
      else reject(new Error(`${argv.join(' ')} ended with ${code}\n${Buffer.concat(output).toString().slice(-3000)}`));
    });
  });

/** The median of numbers. */
export const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

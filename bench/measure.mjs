// Runs a command to its end and tells how long it took and how much memory its processes used.
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

/** The resident memory of a process, now and at its peak, in MB (10^6 bytes). */
const memoryOf = (pid) => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const megabytes = (key) => (Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024) / 1e6;
    return { now: megabytes('VmRSS'), peak: megabytes('VmHWM') };
  } catch {
    return { now: 0, peak: 0 };
  }
};

const descendants = (pid, parents) => (parents.get(String(pid)) ?? []).flatMap((child) => [child, ...descendants(child, parents)]);

/** The processes that run a program of this name, of which the kernel keeps the first fifteen letters. */
const named = (program) =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === program;
    } catch {
      return false;
    }
  });

/** The kernel's ticks of CPU time in a second, as /proc counts them. */
const TICKS = 100;

/** Fields of /proc/<pid>/stat after the program's name, summed, in seconds. */
const cpuIn = (pid, fields) => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const after = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields.reduce((sum, at) => sum + Number(after[at]), 0) / TICKS;
  } catch {
    return 0;
  }
};

/** The CPU time of children of this process that have ended, with theirs, and of other processes with those of their children that have. */
const cpuSpent = (others) => cpuIn('self', [13, 14]) + others.reduce((sum, pid) => sum + cpuIn(pid, [11, 12, 13, 14]), 0);

/**
 * Runs a command and takes its wall-clock time in seconds, and the CPU time of all its processes and of the daemons' (`cpu`). With `memory`, it also takes two peaks in MB: `task`, of the largest process that
 * the command starts (a task, if the command is Nx), and `tree`, of all processes together. The latter includes the command itself and the
 * `daemons`, which are the names or process ids of programs that work on its behalf; memory that processes share counts more than once in it.
 * @throws Error if the command fails
 */
export const measure = (argv, { cwd, env = {}, memory = false, daemons = [] }) =>
  new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(argv[0], argv.slice(1), { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: [], stderr: [] };
    let [task, tree] = [0, 0];
    const serving = daemons.flatMap((daemon) => (typeof daemon === 'number' ? [String(daemon)] : named(daemon)));
    const cpuBefore = cpuSpent(serving);
    for (const [name, chunks] of Object.entries(output)) child[name].on('data', (chunk) => chunks.push(chunk));
    const watch = memory
      ? setInterval(() => {
          const started = descendants(child.pid, children()).map(memoryOf);
          const own = memoryOf(child.pid);
          task = Math.max(task, ...started.map(({ peak }) => peak));
          const beside = serving.map(memoryOf);
          tree = Math.max(
            tree,
            [own, ...started, ...beside].reduce((sum, { now }) => sum + now, 0),
            // A short command may end between two looks; the kernel still knows its peak.
            own.peak + beside.reduce((sum, { now }) => sum + now, 0),
          );
        }, 10)
      : undefined;
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(watch);
      const seconds = (performance.now() - started) / 1000;
      const [stdout, stderr] = Object.values(output).map((chunks) => Buffer.concat(chunks).toString());
      const cpu = cpuSpent(serving) - cpuBefore;
      if (code === 0) resolve({ seconds, cpu, task, tree, stdout });
      else reject(new Error(`${argv.join(' ')} ended with ${code}\n${(stdout + stderr).slice(-3000)}`));
    });
  });

/** The median of numbers. */
export const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

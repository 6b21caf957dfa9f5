import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterEach } from '@jest/globals';

const SCRIPT = new URL('./store-writer.ts', import.meta.url).pathname;

/** A writer that runs. */
export interface Writer {
  /** What it has said so far. */
  readonly lines: string[];
  /** Resolves when it has said so many lines; rejects when it ends before. */
  said(count: number): Promise<void>;
  /** SIGKILL, and the wait for its end. */
  kill(): Promise<void>;
  /** Resolves when it has ended well, rejects with what it wrote to stderr otherwise. */
  readonly done: Promise<void>;
}

const start = (args: readonly string[]): Writer => {
  const child = spawn(process.execPath, ['--no-warnings', SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const listeners = new Set<() => void>();
  const notify = () => listeners.forEach((listener) => listener());
  let stderr = '';
  let ended = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line);
    notify();
  });
  const closed = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code))).finally(() => {
    ended = true;
    notify();
  });
  const done = closed.then((code) => (code === 0 ? undefined : Promise.reject(new Error(`the writer ended with ${code}: ${stderr}`))));
  done.catch(() => undefined);
  return {
    lines,
    done,
    said: (count) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (lines.length < count && !ended) return;
          listeners.delete(look);
          if (lines.length >= count) resolve();
          else reject(new Error(`the writer ended after ${lines.length} lines: ${stderr}`));
        };
        listeners.add(look);
        look();
      }),
    kill: async () => {
      child.kill('SIGKILL');
      await closed;
    },
  };
};

/** Starts writers that do not outlive the test. */
export const writers = (): ((...args: string[]) => Writer) => {
  const started: Writer[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((writer) => writer.kill()));
  });
  return (...args) => {
    const writer = start(args);
    started.push(writer);
    return writer;
  };
};

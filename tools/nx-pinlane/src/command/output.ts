import { asPinlaneError, EXIT, formatProblem, redactText, typedPasswords } from '@pinlane/contracts';
import type { Streams } from './reporter.ts';

const textsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
};

/** The passwords that somebody typed: in the options as they came, in any depth, and in the variables that are Pinlane's own. */
export const typedSecrets = (raw: unknown, env: Readonly<Record<string, string | undefined>>): string[] =>
  typedPasswords([...textsIn(raw), ...Object.entries(env).flatMap(([name, value]) => (name.startsWith('PINLANE_') ? (value ?? []) : []))]);

/** The same streams; nothing that is written to them has a login or one of the secrets in it. */
export const withoutSecrets = (streams: Streams, secrets: readonly string[]): Streams => {
  const hiding = <T extends { write(text: string): unknown }>(stream: T): T =>
    Object.create(stream, { write: { value: (text: string) => stream.write(redactText(text, secrets)) } }) as T;
  const { stdout, stderr, aside } = streams;
  return { stdout: hiding(stdout), stderr: hiding(stderr), ...(aside === undefined ? {} : { aside: hiding(aside) }) };
};

let guarded = false;

/**
 * Keeps the loss of stdout or stderr from becoming an uncaught error. A reader that has gone, as `head` does, has what it wanted: the command goes on
 * in silence. Anything else, such as a full disk, is told on stderr, and the command fails.
 */
export const guardOutput = ({ stdout, stderr }: Pick<NodeJS.Process, 'stdout' | 'stderr'> = process): void => {
  if (guarded) return;
  guarded = true;
  stderr.on('error', () => undefined);
  stdout.on('error', (thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'EPIPE') return;
    stderr.write(`${asPinlaneError(thrown, { file: 'stdout' }).problems.map(formatProblem).join('\n')}\n`);
    process.once('exit', () => {
      process.exitCode = EXIT.error;
    });
  });
};

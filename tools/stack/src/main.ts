import { fileURLToPath } from 'node:url';
import { asPinlaneError, EXIT, formatProblem } from '@pinlane/contracts';
import { runStack } from './stack.ts';

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort());

try {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  await runStack(process.argv.slice(2), { root, env: process.env, signal: abort.signal, say: (line) => console.log(line) });
} catch (thrown) {
  for (const problem of asPinlaneError(thrown).problems) console.error(formatProblem(problem));
  process.exitCode = EXIT.error;
}

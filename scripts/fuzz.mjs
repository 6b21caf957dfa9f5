// npm run fuzz: the property tests and the attackers of `npm test`, on twenty times as many inputs; PINLANE_FUZZ says how many times.
// Arguments are handed on to Jest: npm run fuzz -- libs/oci. A failure names the seed and the path that repeat it.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const paths = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const options = process.argv.slice(2).filter((argument) => argument.startsWith('-'));
const fuzzers = '(tests/property/|/hostile[^/]*\\.spec\\.ts)';
const patterns = paths.length === 0 ? [fuzzers] : paths.map((path) => `${path}.*${fuzzers}`);
const test = [
  'scripts/test.mjs',
  '--selectProjects',
  'property',
  'integration',
  '--testTimeout=3600000',
  ...options,
  `--testPathPatterns=${patterns.join('|')}`,
];
const env = { ...process.env, PINLANE_FUZZ: process.env.PINLANE_FUZZ ?? '20' };
const { status } = spawnSync(process.execPath, test, { cwd: root, env, stdio: 'inherit' });
process.exitCode = status ?? 1;

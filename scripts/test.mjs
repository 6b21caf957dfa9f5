// npm test: every kind of test in one run of jest. Arguments are handed on: npm test -- libs/oci
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
const reporters = ['--reporters=default', '--reporters=./scripts/test-reporter.mjs'];
// One more than two processors can run: the slow suites wait for other programs much of their time. What jest keeps of each suite in a worker goes with it:
// a large process takes long to look through for garbage, and to start another program from.
const workers = ['--maxWorkers=3', '--workerIdleMemoryLimit=300MB'];
const { status } = spawnSync(process.execPath, [...jest, ...reporters, ...workers, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
process.exitCode = status ?? 1;

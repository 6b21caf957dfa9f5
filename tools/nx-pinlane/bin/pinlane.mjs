#!/usr/bin/env node
// An old Node has to be able to read this file, to say that it is too old: no import, no await and no newer syntax at its top.
const LOWEST = [22, 12];

const version = process.versions.node.split('.').map(Number);
const isOld = version[0] < LOWEST[0] || (version[0] === LOWEST[0] && version[1] < LOWEST[1]);

/** Says what `formatProblem` and the document of an error would say: neither can be loaded. */
const refuse = () => {
  const message = 'this is Node ' + process.versions.node + ', and pinlane needs Node ' + LOWEST.join('.');
  const fix = 'Start it as npx pinlane, which takes the Node of this workspace; else install Node ' + LOWEST.join('.') + ' or newer.';
  process.stderr.write('ERR_NODE_UNSUPPORTED: ' + message + '\nfix: ' + fix + '\n');
  const document = { kind: 'Error', schemaVersion: 1, problems: [{ code: 'ERR_NODE_UNSUPPORTED', message: message, fix: fix }] };
  if (process.argv.includes('--json')) process.stdout.write(JSON.stringify(document) + '\n');
  process.exitCode = 1;
};

const start = () =>
  import('node:module')
    .then((nodeModule) => {
      // It halves the time to load; Node 22.12 has it, and no caller may lose a command to it.
      if (nodeModule.enableCompileCache) nodeModule.enableCompileCache();
      return import('../dist/cli.js');
    })
    .then((cli) => cli.main(process.argv.slice(2), process.cwd()))
    .then((exitCode) => {
      process.exitCode = exitCode;
    });

if (isOld) refuse();
else start();

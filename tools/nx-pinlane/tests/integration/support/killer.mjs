// Loaded before a command by NODE_OPTIONS: at the step that KILL_AT names, the command is killed with all of its process group, as a runner is.
import childProcess from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { what, of, when } = JSON.parse(process.env.KILL_AT);
const kill = () => process.kill(0, 'SIGKILL');
const names = (args) => JSON.stringify(args).includes(of);

if (what === 'spawn') {
  const { spawn } = childProcess;
  childProcess.spawn = (command, args, options) => {
    const isIt = names([command, args]);
    if (isIt && when === 'before') kill();
    const child = spawn(command, args, options);
    // Heard first, so that nobody else has heard of its end.
    if (isIt && when === 'ended') child.prependListener('exit', kill);
    if (isIt && when === 'begun') child.once('spawn', () => setTimeout(kill, 50));
    return child;
  };
}
if (what === 'write')
  for (const [module, name] of [
    ...['renameSync', 'writeFileSync', 'openSync', 'mkdirSync'].map((each) => [fs, each]),
    ...['rename', 'writeFile', 'open', 'mkdir'].map((each) => [fs.promises, each]),
  ]) {
    const real = module[name];
    module[name] = (...args) => {
      if (names(args.filter((each) => typeof each === 'string'))) kill();
      return real(...args);
    };
  }
syncBuiltinESMExports();

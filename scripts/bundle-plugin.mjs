// Jest runs this before the first suite that starts commands: what is tested is the source as it is now, as Nx runs it.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export default () => {
  execFileSync(process.execPath, [fileURLToPath(new URL('../tools/nx-pinlane/build.mjs', import.meta.url))], { stdio: 'inherit' });
};

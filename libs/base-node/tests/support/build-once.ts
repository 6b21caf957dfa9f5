import { join } from 'node:path';
import { openStore } from '@pinlane/oci';
import { buildBase } from '@pinlane/base-node';

// A build in a process of its own, whose umask, time zone, language and home the caller chooses. Prints the index digest.
const { root, baseDir, umask, aptSettings } = JSON.parse(process.argv[2]!) as { root: string; baseDir: string; umask: string; aptSettings: string[] };
process.umask(Number.parseInt(umask, 8));
const { index } = await buildBase({
  root,
  name: 'base-node',
  baseDir,
  aptSettings,
  store: openStore(join(root, '.pinlane/store')),
  env: process.env,
  progress: () => undefined,
  signal: new AbortController().signal,
});
console.log(index);

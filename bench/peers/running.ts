// The same in a process that goes on: CONTEXT FILE STORE REPOSITORY TAG RUNS. Changes a line of the file for each, and prints the seconds that each took.
import { appendFileSync } from 'node:fs';
import { buildAndPush } from './build-and-push.ts';

const [folder, file, root, name, tag, runs] = process.argv.slice(2);
if (!folder || !file || !root || !name || !tag || !runs) throw new Error('usage: CONTEXT FILE STORE REPOSITORY TAG RUNS');
// The first one also loads what the others find loaded.
await buildAndPush(folder, root, name, tag);
const seconds: number[] = [];
for (let run = 0; run < Number(runs); run++) {
  appendFileSync(file, `// ${run} of ${process.pid}\n`);
  const started = performance.now();
  await buildAndPush(folder, root, name, tag);
  seconds.push((performance.now() - started) / 1000);
}
console.log(JSON.stringify(seconds));

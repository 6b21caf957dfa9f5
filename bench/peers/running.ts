// Builds and pushes many times in one process, after a change to FILE each time, and prints how many seconds each took.
// Arguments: CONTEXT FILE STORE REPOSITORY TAG RUNS.
import { appendFileSync } from 'node:fs';
import { buildAndPush } from './build-and-push.ts';

const [folder, file, root, name, tag, runs] = process.argv.slice(2);
if (!folder || !file || !root || !name || !tag || !runs) throw new Error('usage: CONTEXT FILE STORE REPOSITORY TAG RUNS');
// The first build loads modules that the others find loaded, so it is not measured.
await buildAndPush(folder, root, name, tag);
const seconds: number[] = [];
for (let run = 0; run < Number(runs); run++) {
  appendFileSync(file, `// ${run} of ${process.pid}\n`);
  const started = performance.now();
  await buildAndPush(folder, root, name, tag);
  seconds.push((performance.now() - started) / 1000);
}
console.log(JSON.stringify(seconds));

// A stand-in of Modal in which so many processors run as they are pinned. Arguments: PYTHON SPEC COUNT, where SPEC is the registry.yaml of the first.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createModalHosting } from '@pinlane/adapters';
import { parseSpec, planDeployment, requirePinned } from '@pinlane/pipeline';
import { standInEnvironment, startModalStandIn } from '@pinlane/testing/modal';

const [python, file, count] = process.argv.slice(2);
if (!python || !file || !count) throw new Error('usage: PYTHON SPEC COUNT');
const standIn = await startModalStandIn({ python, start: async () => ({ url: 'http://127.0.0.1:1', stop: () => undefined }) });
const folder = mkdtempSync(join(tmpdir(), 'pinlane-bench-modal-'));
const env = { PATH: process.env['PATH'], ...standInEnvironment(standIn) };
const hosting = createModalHosting({ env, python, folder, commandOf: async () => [] });
const spec = requirePinned(parseSpec(readFileSync(file, 'utf8'), { file }).spec, { file, platforms: ['linux/amd64'] });
const plan = planDeployment(spec, { lane: 'staging', environment: 'staging', platform: 'linux/amd64', branch: undefined, user: 'bench' });
await hosting.deploy(plan, { progress: () => undefined, signal: new AbortController().signal });
rmSync(folder, { recursive: true });
standIn.multiply('staging', plan.place.app, Number(count) - 1, (at) => `bench-p${at + 1}-v1`);
const woken = (): number => [...standIn.account.apps.values()].flatMap(({ fronts }) => [...fronts.values()]).reduce((sum, front) => sum + front.woken(), 0);
console.log(`ready ${JSON.stringify(standInEnvironment(standIn))}`);
process.once('SIGTERM', () => {
  console.log(`woken ${woken()}`);
  process.exit();
});

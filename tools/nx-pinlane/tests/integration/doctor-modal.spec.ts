import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { doctorReportSchema, type DoctorReport } from '@pinlane/contracts';
import { openRepository } from '@pinlane/oci';
import {
  imageOf,
  lackOf,
  layerOf,
  platformImage,
  putImage,
  requirement,
  startRegistry,
  temporaryFolder,
  withWarmPython,
  type TestRegistry,
} from '@pinlane/testing';
import { containersOf, standInEnvironment, startModalStandIn, type ModalStandIn } from '@pinlane/testing/modal';
import { verb } from '../../src/verbs/doctor/verb.ts';
import { pinlaneFromSource } from './support/from-source.ts';
import { contextOf, run, withFiles } from './support/verb-context.ts';

// Each command of the Python client takes seconds on a busy machine, and a test has many.
jest.setTimeout(600_000);

const repository = resolve(import.meta.dirname, '../../../..');
const config = {
  ...{ Entrypoint: ['node', '/app/main.js'], Env: ['PATH=/usr/bin:/bin'], User: `${process.getuid!()}:${process.getgid!()}` },
  WorkingDir: temporaryFolder('workdir'),
};
const platforms = (['amd64', 'arm64'] as const).map((architecture) => platformImage(architecture, [layerOf(Buffer.alloc(1024), { gzip: true })], config));

requirement(
  'modal',
  lackOf('modal'),
  describe,
)('doctor --modal, by the real clients of Modal', () => {
  const warm = withWarmPython();
  let registry: TestRegistry;
  let standIn: ModalStandIn;
  let root: string;

  beforeAll(async () => {
    registry = await startRegistry();
    await putImage(openRepository({ host: registry.host, path: 'acme/one' }), imageOf(platforms));
  });
  afterAll(() => registry.close());
  beforeEach(async () => {
    standIn = await startModalStandIn({ python: warm(), start: containersOf(config) });
    root = temporaryFolder('doctor');
    mkdirSync(join(root, 'processors/one'), { recursive: true });
    writeFileSync(join(root, 'nx.json'), '{ "plugins": ["@pinlane/nx"] }');
    symlinkSync(join(repository, 'node_modules'), join(root, 'node_modules'));
    const pin = `${registry.host}/acme/one@${platforms[0]!.descriptor.digest}`;
    writeFileSync(
      join(root, 'processors/one/registry.yaml'),
      `ref: acme/one@1\nimage:\n  repository: ${registry.host}/acme/one\n  platforms: { amd64: "${pin}" }\n`,
    );
    writeFileSync(join(root, 'ca.pem'), standIn.certificate);
  });
  afterEach(() => standIn.stop());

  const start = (...args: string[]) => {
    const env = {
      ...{ PATH: process.env['PATH'], HOME: root, DOCKER_CONFIG: join(root, '.docker'), NODE_EXTRA_CA_CERTS: join(root, 'ca.pem') },
      ...{ ...standInEnvironment(standIn), PINLANE_MODAL_PYTHON: warm() },
    };
    const child = spawn(process.execPath, pinlaneFromSource('doctor', '--modal', '--json', ...args), { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const texts = Promise.all([child.stdout.toArray(), child.stderr.toArray()]);
    const ended = once(child, 'exit').then(async ([status]) => {
      const [stdout, stderr] = (await texts).map((chunks) => Buffer.concat(chunks as Buffer[]).toString());
      return { status: status as number | null, stdout: stdout!, stderr: stderr! };
    });
    return { kill: (signal: NodeJS.Signals) => child.kill(signal), ended };
  };
  const examine = async (...args: string[]): Promise<{ readonly status: number | null; readonly report: DoctorReport; readonly stderr: string }> => {
    const { status, stdout, stderr } = await start(...args).ended;
    return { status, report: doctorReportSchema.parse(JSON.parse(stdout)), stderr };
  };
  const unproven = ({ modal }: DoctorReport) => modal!.proofs.filter(({ outcome }) => outcome !== 'proven');
  const left = () => ({
    apps: [...standIn.account.apps.values()].filter(({ state }) => state === 'APP_STATE_DEPLOYED').map(({ name }) => name),
    images: [...standIn.account.images.values()].filter(({ base }) => base !== null).length,
    names: [...standIn.account.published.keys(), ...[...standIn.account.secrets.values()].map(({ name }) => name)],
    sandboxes: [...standIn.account.sandboxes.values()].filter(({ running }) => running).length,
    journal: existsSync(join(root, '.pinlane/doctor/dev')) ? readdirSync(join(root, '.pinlane/doctor/dev')) : [],
  });
  const NOTHING = { apps: [], images: 0, names: [], sandboxes: 0, journal: [] };

  it('proves everything with the first processor that is pinned, tells it, and leaves nothing', async () => {
    const { status, report, stderr } = await examine();
    expect(report.modal).toMatchObject({ environment: 'dev', ref: 'acme/one@1', left: [] });
    expect([unproven(report), left()]).toEqual([[], NOTHING]);
    // What a machine that is too busy does not answer in its 10 s is not known.
    const late = report.checks.some(({ message }) => message.startsWith('there was no answer within'));
    expect([report.verdict, status]).toEqual(late ? ['unknown', 1] : ['good', 0]);
    expect(stderr).toMatch(/proven +pull-by-digest +Modal pulls a platform manifest/);
    expect(JSON.stringify(report) + stderr).not.toContain(standIn.token.secret);
  });

  /** What another machine made, or is making. */
  const leaveBy = (ms: number, letter: string): string => {
    const [id, name] = [`ap-${letter.repeat(22)}`, `pinlane-doctor-${Math.floor(ms / 1000).toString(36)}-${letter.repeat(10)}`];
    const app = { id, name, environment: 'dev', createdAt: 1, createdBy: 'another', state: 'APP_STATE_DEPLOYED' as const };
    standIn.account.apps.set(id, { ...app, created: new Map(), versions: [], live: null, stoppedAt: 0, stoppedBy: '', fronts: new Map() });
    standIn.account.secrets.set(`st-${id}`, { id: `st-${id}`, name, environment: 'dev', values: new Map(), createdAt: 1 });
    return name;
  };

  it('removes what a run left that was killed in the middle, and what another machine made long ago; what it made within the hour stays', async () => {
    const first = start();
    standIn.faults.push({ method: 'FunctionCreate', times: 1, fault: { kind: 'before', happen: () => new Promise(() => first.kill('SIGKILL')) } });
    expect((await first.ended).status).toBeNull();
    expect(left()).toMatchObject({ apps: [expect.stringMatching(/^pinlane-doctor-/)], images: 1, journal: [expect.stringMatching(/^pinlane-doctor-/)] });
    const young = leaveBy(Date.now() - 60_000, 'a');
    leaveBy(Date.now() - 7_200_000, 'b');
    const { report } = await examine('--processor=acme-one');
    expect([unproven(report), report.modal!.left, left()]).toEqual([[], [], { ...NOTHING, apps: [young], names: [young] }]);
  });

  it('removes everything when it is interrupted', async () => {
    const first = start();
    standIn.faults.push({ method: 'FunctionCreate', times: 1, fault: { kind: 'before', happen: () => first.kill('SIGINT') } });
    const { status, stdout, stderr } = await first.ended;
    expect([status, JSON.parse(stdout)]).toMatchObject([1, { kind: 'Error', problems: [{ code: 'ERR_CANCELLED' }] }]);
    expect(stderr).toMatch(/removing pinlane-doctor-/);
    // Where it took longer than a command has, a rerun removes it.
    if (left().journal.length > 0) await examine();
    expect(left()).toEqual(NOTHING);
  });

  it.each([
    ['without an account', { MODAL_TOKEN_SECRET: 'another' }, 'ERR_HOSTING_AUTH'],
    ['without the client', { PINLANE_MODAL_PYTHON: '/nowhere/python' }, 'ERR_TOOL_MISSING'],
  ])('tells %s of no claim, and why', async (_, env, code) => {
    const context = contextOf(root, {
      env: { PATH: process.env['PATH'], HOME: root, ...standInEnvironment(standIn), PINLANE_MODAL_PYTHON: warm(), ...env },
    });
    const { document, exitCode } = await run(verb, { modal: true }, context);
    const { proofs } = (document as DoctorReport).modal!;
    expect([proofs.length, new Set(proofs.map(({ outcome }) => outcome)), exitCode === 0]).toEqual([10, new Set(['unknown']), false]);
    expect(proofs[0]!.message).toContain(code);
    expect(left()).toEqual(NOTHING);
  });

  it('needs a processor that is pinned in a registry', () =>
    withFiles({ 'nx.json': '{}', 'processors/one/registry.yaml': 'ref: acme/one@1\n' }, async (other) => {
      const env = { PATH: process.env['PATH'], HOME: other, ...standInEnvironment(standIn), PINLANE_MODAL_PYTHON: warm() };
      const { document } = await run(verb, { modal: true }, contextOf(other, { env }));
      expect((document as DoctorReport).modal).toMatchObject({ ref: null, left: [] });
      await expect(run(verb, { modal: true, project: 'acme-two' }, contextOf(other, { env }))).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
    }));
});

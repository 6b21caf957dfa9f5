import { request as httpsRequest } from 'node:https';
import { request as httpRequest } from 'node:http';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { proveOnModal, removeLeftover, type Made, type ProvingOrder } from '@pinlane/adapters';
import type { Digest, ImageRunConfig, ModalClaim, ModalProof, ProcessorResponse } from '@pinlane/contracts';
import { judgeModal } from '@pinlane/pipeline';
import { errorOf, lackOf, requirement, temporaryFolder, withWarmPython } from '@pinlane/testing';
import {
  containersOf,
  standInEnvironment,
  startModalStandIn,
  type ModalFaultRule,
  type ModalStandIn,
  type StandInOptions,
  type Ways,
} from '@pinlane/testing/modal';
import { digestOf } from '../../support/modal.ts';

// Each command of the Python client takes seconds on a busy machine, and a test has many.
jest.setTimeout(300_000);

const digest = digestOf('a1') as Digest;
const reference = `ghcr.io/acme/echo@${digest}`;

requirement(
  'modal',
  lackOf('modal'),
  describe,
)('What is proven on an account of Modal', () => {
  const config: ImageRunConfig = {
    ...{ Entrypoint: ['node', '/app/main.js'], Cmd: [], Env: ['PATH=/usr/bin:/bin', 'LANG=C.UTF-8'], User: `${process.getuid!()}:${process.getgid!()}` },
    WorkingDir: temporaryFolder('workdir'),
  };
  const warm = withWarmPython();
  let standIn: ModalStandIn;

  const start = async (ways: Ways = {}, options: Partial<StandInOptions> = {}): Promise<void> => {
    standIn = await startModalStandIn({ python: warm(), start: containersOf(config, ways), ...options });
  };
  const send: NonNullable<ProvingOrder['request']> = (url, timeout, signal) =>
    new Promise<ProcessorResponse>((resolve, reject) => {
      const out = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, { ca: standIn.certificate, timeout, signal }, (response) => {
        response.toArray().then((chunks) => resolve({ status: response.statusCode!, headers: {}, body: Buffer.concat(chunks as Buffer[]) }), reject);
      });
      out.on('error', reject);
      out.end();
    });
  const clientOf = (signal: AbortSignal) => ({
    ...{ python: warm(), environment: 'dev', signal },
    env: { PATH: process.env['PATH'], ...standInEnvironment(standIn) },
  });

  const prove = async (more: Partial<ProvingOrder> = {}, stop = new AbortController()) => {
    const made: Made[] = [];
    let stays: readonly string[] = [];
    const io = {
      progress: () => undefined,
      noteMade: async (each: Made) => void made.push(structuredClone(each)),
      removed: async (left: readonly string[]) => void (stays = left),
    };
    const order: ProvingOrder = { reference, digest, config, registrySecret: null, patienceMs: 8_000, request: send, ...more };
    const found = await proveOnModal(clientOf(stop.signal), order, io).catch((thrown: unknown) => thrown);
    return { found, made, stays: () => stays };
  };
  const proofsOf = async (more: Partial<ProvingOrder> = {}): Promise<{ readonly proofs: ModalProof[]; readonly left: readonly string[] }> => {
    const { found } = await prove(more);
    if (found instanceof Error) throw found;
    const { seen, expected, left } = found as Awaited<ReturnType<typeof proveOnModal>>;
    return { proofs: judgeModal(seen, expected), left };
  };
  const outcomes = (proofs: readonly ModalProof[], outcome: ModalProof['outcome']): ModalClaim[] =>
    proofs.filter((proof) => proof.outcome === outcome).map(({ claim }) => claim);
  /** What stays on the account; what was pulled stays as for every deployment. */
  const left = () => ({
    apps: [...standIn.account.apps.values()].filter(({ state }) => state === 'APP_STATE_DEPLOYED').map(({ name }) => name),
    images: [...standIn.account.images.values()].filter(({ base }) => base !== null).map(({ id }) => id),
    published: [...standIn.account.published.keys()],
    secrets: [...standIn.account.secrets.values()].map(({ name }) => name),
    sandboxes: [...standIn.account.sandboxes.values()].filter(({ running }) => running).map(({ id }) => id),
  });
  const NOTHING = { apps: [], images: [], published: [], secrets: [], sandboxes: [] };

  beforeAll(() => {
    process.env['MODAL_CONFIG_PATH'] = '/dev/null/modal.toml';
  });
  beforeEach(() => start());
  afterEach(() => standIn.stop());

  it('is everything, where Modal is as it is thought to be; all that was made has a name of its own, and is gone', async () => {
    const { proofs, left: stays } = await proofsOf();
    expect(proofs.filter(({ outcome }) => outcome !== 'proven')).toEqual([]);
    expect(proofs).toHaveLength(10);
    expect([stays, left()]).toEqual([[], NOTHING]);
    expect(new Set([...standIn.account.apps.values()].map(({ name }) => name.replace(/[a-z0-9]{6}-[a-f0-9]{10}$/, '<random>')))).toEqual(
      new Set(['pinlane-doctor-<random>']),
    );
    expect(standIn.calls.filter(({ environment }) => environment && environment !== 'dev')).toEqual([]);
  });

  it('is disproven, claim by claim, where Modal is otherwise', async () => {
    await standIn.stop();
    await start({ workdir: '/', env: { LANG: undefined }, more: ['--more'], dropsEntrypoint: true });
    standIn.account.forgetsImages = true;
    let puts = 0;
    const forget = () => void (++puts === 2 && standIn.account.secrets.clear());
    standIn.faults.push({ method: 'SecretGetOrCreate', client: 'python', fault: { kind: 'before', happen: forget } });
    let asked = 0;
    const request: ProvingOrder['request'] = async (url, ...more) =>
      url.protocol === 'http:' && ++asked < 3 ? { status: asked === 1 ? 503 : 404, headers: {}, body: Buffer.from('') } : send(url, ...more);
    const { proofs } = await proofsOf({ config: { ...config, User: '4711:4711' }, request });
    expect(outcomes(proofs, 'proven')).toEqual(['pull-by-digest', 'long-names']);
    expect(outcomes(proofs, 'unknown')).toEqual([]);
    const said = new Map(proofs.map(({ claim, message }) => [claim, message]));
    expect(said.get('cold-server')).toContain('503, 404');
    expect(said.get('server-env')).toBe('LANG is unset');
    expect(said.get('sandbox-command')).toBe('the command was run in place of the ENTRYPOINT');
  });

  it('is disproven by a name that is refused, and then nothing is told of what needs it', async () => {
    standIn.faults.push({ method: 'ImagePublish', fault: { kind: 'refuse', code: 'INVALID_ARGUMENT', details: 'the tag is too long' } });
    const { proofs } = await proofsOf();
    expect(outcomes(proofs, 'disproven')).toEqual(['long-names']);
    expect(outcomes(proofs, 'proven')).toEqual(['pull-by-digest', 'image-identity', 'sandbox-command', 'secret-identity']);
    expect(left()).toEqual(NOTHING);
  });

  it('is disproven by a pull that is refused though the credentials were there, and then nothing is told of what needs it', async () => {
    await standIn.stop();
    await start({}, { pull: () => 'unauthorized' });
    standIn.account.secrets.set('st-ghcr', { id: 'st-ghcr', name: 'ghcr', environment: 'dev', values: new Map([['REGISTRY_USERNAME', 'a']]), createdAt: 1 });
    const { proofs } = await proofsOf({ registrySecret: 'ghcr' });
    expect(outcomes(proofs, 'disproven')).toEqual(['pull-by-digest']);
    expect(outcomes(proofs, 'proven')).toEqual(['secret-identity']);
    expect(left()).toEqual({ ...NOTHING, secrets: ['ghcr'] });
  });

  it.each(['AppGetOrCreate', 'SandboxCreateV2'])('is removed though the command was interrupted at %s', async (method) => {
    const stop = new AbortController();
    standIn.faults.push({ method, times: 1, fault: { kind: 'before', happen: () => setTimeout(() => stop.abort(), 50) } });
    const { found, stays } = await prove({}, stop);
    expect(found).not.toHaveProperty('seen');
    // On a slow machine it is interrupted before it is told that its image is built, and says that one may stay.
    const unsure = stays().filter((line) => line.includes('if Modal has built it'));
    expect(stays().filter((line) => !unsure.includes(line))).toEqual([]);
    expect(left()).toEqual({ ...NOTHING, images: unsure.length > 0 ? expect.any(Array) : [] });
  });

  it('names what can not be removed, and removes the rest; a rerun removes it', async () => {
    const refused = ['AppStop', 'SecretDelete', 'ImageDelete'].map((method): ModalFaultRule => ({
      ...{ method, fault: { kind: 'refuse', code: 'FAILED_PRECONDITION', details: 'it is in use' } },
    }));
    standIn.faults.push(...refused);
    const { found, made } = await prove();
    expect((found as { left: string[] }).left).toEqual(['app', 'image', 'secret'].map((what) => expect.stringMatching(`^the ${what} pinlane-doctor-.*in use`)));
    expect(standIn.account.published.size).toBe(0);
    standIn.faults.splice(0);
    expect(await removeLeftover(clientOf(new AbortController().signal), made.at(-1)!)).toEqual([]);
    expect(left()).toEqual(NOTHING);
  });

  it.each(['ImageJoinStreaming', 'AppPublish'])('is removed by what was noted, if all ended at %s and nothing was removed', async (method) => {
    const stop = new AbortController();
    standIn.faults.push({ method, fault: { kind: 'before', happen: () => new Promise(() => stop.abort()) } });
    // Killed: what would remove it does not come through.
    for (const removal of ['AppStop', 'SecretDelete', 'ImageNameDelete', 'ImageDelete'])
      standIn.faults.push({ method: removal, fault: { kind: 'refuse', code: 'FAILED_PRECONDITION' } });
    const { made } = await prove({}, stop);
    standIn.faults.splice(0);
    expect(await removeLeftover(clientOf(new AbortController().signal), made.at(-1)!)).toEqual([]);
    expect(left()).toMatchObject({ ...NOTHING, sandboxes: expect.any(Array) });
  });

  it('is nothing of an image that starts no Node', async () => {
    const { found } = await prove({ config: { ...config, Entrypoint: ['python3'] } });
    expect(found).toMatchObject({ code: 'ERR_TOOL_MISSING' });
    expect(standIn.calls).toEqual([]);
    expect(await errorOf(() => Promise.reject(found as Error))).toMatchObject({ message: expect.stringContaining('--project') });
  });
});

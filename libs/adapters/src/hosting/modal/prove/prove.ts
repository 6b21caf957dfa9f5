import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, isPinlaneError, type Digest, type ImageRunConfig, type ProcessorResponse } from '@pinlane/contracts';
import type { ColdStart, DeploymentSettings, ModalExpected, ModalSeen, Attempted, Witness } from '@pinlane/pipeline';
import { sendRequest } from '../../../runtime/index.ts';
import { serverDeployArguments } from '../deploy-arguments.ts';
import { buildImage, publishedImage, publishImage, type WantedImage } from '../image.ts';
import { LIMITS } from '../limits.ts';
import { publishedName } from '../names.ts';
import { listSecrets } from '../observe.ts';
import { startSandbox } from '../probe.ts';
import type { PythonClient } from '../python.ts';
import { putSecret } from '../secrets.ts';
import { readServer } from '../server.ts';
import { runAlive } from '../watch.ts';
import { removeMade, type Made } from './removal.ts';
import { namesOf, nodeOf, readWitness, sandboxCommand, WITNESS_CMD, witnessCommands, type WitnessOrder } from './witness.ts';

/** What is proven with. */
export interface ProvingOrder {
  /** The pinned platform manifest: `repository@sha256:…`. */
  readonly reference: string;
  readonly digest: Digest;
  readonly config: ImageRunConfig;
  readonly registrySecret: string | null;
  /** How long a container is waited for, in ms; two minutes if absent. */
  readonly patienceMs?: number;
  /** Sends a request; over the network if absent. */
  readonly request?: (url: URL, timeoutMs: number, signal: AbortSignal) => Promise<ProcessorResponse>;
}

/** How it is told, and noted before anything is made. */
export interface ProvingIo {
  readonly progress: (line: string) => void;
  /** Is told what is about to be made under a name, and again when more of it is known. A run that is killed is tidied up after by this. */
  readonly noteMade: (made: Made) => Promise<void>;
  /** Is told what of it could not be removed, also if the command was interrupted. */
  readonly removed: (left: readonly string[]) => Promise<void>;
}

/** What was found on an account, and what could not be removed from it. */
export interface Proven {
  readonly seen: ModalSeen;
  readonly expected: ModalExpected;
  readonly left: readonly string[];
}

const PREFIX = 'pinlane-doctor-';

/** A new name: it tells when it was made, and no other run has it. */
export const newDoctorName = (now: number): string => `${PREFIX}${Math.floor(now / 1000).toString(36)}-${randomBytes(5).toString('hex')}`;

/** When a name was made, in ms since 1970; null if it is none of a doctor's. */
export const madeAt = (name: string): number | null => {
  const time = /^pinlane-doctor-([a-z0-9]{6,8})-[a-f0-9]{10}$/.exec(name)?.[1];
  return time === undefined ? null : Number.parseInt(time, 36) * 1000;
};

const PORT = 8000;
const SANDBOX_LIFE_S = 180;

/** A Server that costs little, and that anybody may call who knows its path. */
const SETTINGS: DeploymentSettings = {
  ...{ port: PORT, scaling: { min: 0, max: 1, idleSeconds: 60 }, region: null, proxyAuth: false, timeoutSeconds: 60, concurrency: undefined },
  ...{ resources: { cpu: 0.25, memoryGb: 0.25, gpu: null }, secrets: { required: [], optional: [] } },
};

/** What Modal itself said no to. */
const isRefusal = (thrown: unknown): boolean => isPinlaneError(thrown, 'ERR_DEPLOY_FAILED') || isPinlaneError(thrown, 'ERR_HOSTING_REFUSED');

/** What came of a step; an interruption is the end. */
const see = async <T>(client: PythonClient, work: () => Promise<T>): Promise<Attempted<T>> => {
  try {
    return { kind: 'seen', value: await work() };
  } catch (thrown) {
    if (client.signal.aborted || isPinlaneError(thrown, 'ERR_CANCELLED')) throw thrown;
    const reason = isPinlaneError(thrown) ? thrown.problems[0]!.message : String((thrown as Error).message);
    return { kind: isRefusal(thrown) ? 'refused' : 'unknown', reason };
  }
};

const after = <T>(before: Attempted<unknown>, step: () => Promise<Attempted<T>>): Promise<Attempted<T>> =>
  before.kind === 'seen' ? step() : Promise.resolve({ kind: 'unknown', reason: `it was not tried, because of what went before: ${before.reason}` });

/** Waits for both, whatever becomes of either. @throws what the first threw, else what the second did */
const settled = async <One, Other>(one: Promise<One>, other: Promise<Other>): Promise<[One, Other]> => {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
};

const overNetwork: NonNullable<ProvingOrder['request']> = (url, timeoutMs, signal) =>
  sendRequest({ url: new URL(url.origin) }, { method: 'GET', path: url.pathname, timeoutMs, signal });

/** Asks an address until the witness answers there. @throws ERR_HOSTING_UNAVAILABLE with what was seen instead */
const awaitWitness = async (base: string, path: string, order: ProvingOrder, signal: AbortSignal): Promise<ColdStart> => {
  const { patienceMs = 120_000, request = overNetwork } = order;
  const giveUp = performance.now() + patienceMs;
  const before: (number | string)[] = [];
  for (;;) {
    signal.throwIfAborted();
    const began = performance.now();
    const answer = await request(new URL(path, base), Math.max(1000, Math.min(60_000, giveUp - began)), signal).catch((thrown: Error) => thrown);
    signal.throwIfAborted();
    const witness = answer instanceof Error || answer.status !== 200 ? null : readWitness(answer.body);
    if (witness !== null) return { witness, before, heldMs: performance.now() - began };
    const said = answer instanceof Error ? `no answer (${answer.message})` : answer.status;
    if (before.at(-1) !== said) before.push(said);
    if (performance.now() > giveUp) return fail('ERR_HOSTING_UNAVAILABLE', `nothing told of itself within ${patienceMs / 1000} s; seen: ${before.join(', ')}`);
    await sleep(500, undefined, { signal });
  }
};

/** Writes a secret twice and looks at its id each time. */
const proveSecret = (client: PythonClient, name: string): Promise<Attempted<readonly [string, string]>> =>
  see(client, async () => {
    const write = async (): Promise<string> => {
      await putSecret(client, name, new Map([['PINLANE_DOCTOR', randomBytes(12).toString('hex')]]));
      const found = (await listSecrets(client)).find((each) => each.name === name);
      return found?.id ?? fail('ERR_HOSTING_UNAVAILABLE', `Modal does not list the secret ${name} that was just written`);
    };
    const first = await write();
    return [first, await write()] as const;
  });

interface Parts {
  readonly client: PythonClient;
  readonly order: ProvingOrder;
  readonly io: ProvingIo;
  readonly made: Made;
  readonly asks: WitnessOrder;
}

const proveServer = ({ client, order, io, made: { name }, asks }: Parts): Promise<Attempted<ColdStart>> =>
  see(client, async () => {
    io.progress(`deploying ${name}`);
    const args = serverDeployArguments({ app: name, image: publishedName(name, order.digest), settings: SETTINGS, secrets: [], env: {} });
    await runAlive(client, { args, what: `deploying ${name} in ${client.environment}`, timeoutMs: LIMITS.writeMs });
    const { url } = await readServer(client, name);
    io.progress(`waiting for ${name}`);
    return awaitWitness(url, asks.path, order, client.signal);
  });

const proveSandbox = ({ client, order, io, made: { name }, asks }: Parts, imageId: string, command: readonly string[]): Promise<Attempted<Witness>> =>
  see(client, async () => {
    io.progress('starting a Sandbox');
    const sandbox = await startSandbox(client, { imageId, command, port: PORT, lifeSeconds: SANDBOX_LIFE_S, runsIn: name });
    try {
      return (await awaitWitness(sandbox.url, asks.path, order, client.signal)).witness;
    } finally {
      await sandbox.remove();
    }
  });

/** The image object: pulled, built twice and published, each step as far as the one before came. */
const proveImage = async ({ client, io, made }: Parts, wanted: WantedImage): Promise<Pick<ModalSeen, 'pulled' | 'built' | 'published'>> => {
  io.progress(`letting Modal pull ${wanted.reference}`);
  const pulled = await see(client, () => buildImage(client, { ...wanted, commands: [] }));
  const built = await after(pulled, () =>
    see(client, async () => {
      await io.noteMade(Object.assign(made, { building: wanted }));
      try {
        const first = await buildImage(client, wanted);
        await io.noteMade(Object.assign(made, { imageId: first, building: null }));
        return [first, await buildImage(client, wanted)] as const;
      } catch (thrown) {
        if (isRefusal(thrown)) made.building = null;
        throw thrown;
      }
    }),
  );
  const published = await after(built, () =>
    see(client, async () => {
      await publishImage(client, made.imageId!, wanted);
      return [made.imageId!, await publishedImage(client, wanted.slug, wanted.digest)] as const;
    }),
  );
  return { pulled, built, published };
};

/**
 * Shows on an account of Modal what can only be assumed without one, with a pinned image that tells of itself. Everything that is made has one name with a
 * random part; it is removed at the end, whatever happens, and what can't be is named.
 * @throws ERR_TOOL_MISSING if the image starts no Node, ERR_CANCELLED after it was removed
 */
export const proveOnModal = async (client: PythonClient, order: ProvingOrder, io: ProvingIo): Promise<Proven> => {
  const { reference, digest, config, registrySecret } = order;
  const node =
    nodeOf(config) ?? fail('ERR_TOOL_MISSING', 'the image starts no Node, which would tell of itself', { fix: 'Name another processor with --project.' });
  const made: Made = { name: newDoctorName(Date.now()), digest, imageId: null, building: null };
  const asks: WitnessOrder = { path: `/${randomBytes(16).toString('hex')}`, port: PORT, names: namesOf(config) };
  const wanted: WantedImage = {
    ...{ slug: made.name, reference, digest, registrySecret, builtIn: made.name },
    commands: witnessCommands(node, made.name, digest, asks),
  };
  const command = sandboxCommand(node, asks);
  const parts: Parts = { client, order, io, made, asks };
  await io.noteMade(made);
  const remove = (): Promise<readonly string[]> => {
    io.progress(`removing ${made.name}`);
    return removeMade(client, made);
  };
  const prove = async (): Promise<ModalSeen> => {
    // Of two that run at once neither is left behind: what is made while it is removed would stay.
    const [image, secret] = await settled(proveImage(parts, wanted), proveSecret(client, made.name));
    const server = await after(image.published, () => proveServer(parts));
    const sandbox = await after(image.built, () => proveSandbox(parts, made.imageId!, command));
    return { withCredentials: registrySecret !== null, ...image, server, sandbox, secret };
  };
  const seen = await prove().catch(async (thrown: unknown) => {
    const left = await remove();
    await io.removed(left);
    throw thrown;
  });
  const left = await remove();
  await io.removed(left);
  return { seen, expected: { config, digest, cmd: WITNESS_CMD, command }, left };
};

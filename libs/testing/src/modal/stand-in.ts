import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { Metadata, Server, ServerCredentials, status, type ServerUnaryCall, type ServerWritableStream, type sendUnaryData } from '@grpc/grpc-js';
import { addVersion, appCalls, multiply, stopApp, type Hosting } from './apps.ts';
import { appOf, idOf, newAccount, newId, type Account, type ModalApp } from './account.ts';
import { faultOf, Refusal, type Handler, type ModalFault, type ModalFaultRule, type SeenCall, type StreamHandler } from './calls.ts';
import { controlPlaneOf } from './descriptors.ts';
import type { ProxyToken, StartContainer } from './fronts.ts';
import { imageCalls, imageStreams, type Pull } from './images.ts';
import { placeCalls, secretCalls } from './places.ts';
import { sandboxCalls } from './sandboxes.ts';

/** How a stand-in is started. */
export interface StandInOptions {
  /** The Python whose Modal client tells the descriptors. */
  readonly python: string;
  /** Environments that are there; staging, main and dev if absent. */
  readonly environments?: readonly string[];
  /** The credentials that clients must show. */
  readonly token?: { readonly id: string; readonly secret: string };
  readonly proxyToken?: ProxyToken;
  /** Runs what a Server or a Sandbox is asked to run; nothing runs if absent, and their URLs answer 503. */
  readonly start?: StartContainer;
  /** Plays the registry that images are pulled from; it has all of them if absent. */
  readonly pull?: Pull;
  /** Seconds since 1970; this machine's clock if absent. */
  readonly now?: () => number;
}

/** Modal's control plane, on loopback, with a state that lasts as long as it runs. */
export interface ModalStandIn {
  readonly url: string;
  /** The Python whose client it fits. */
  readonly python: string;
  readonly token: { readonly id: string; readonly secret: string };
  readonly proxyToken: ProxyToken;
  readonly account: Account;
  /** Every call that was made, in order. */
  readonly calls: readonly SeenCall[];
  /** What goes wrong; rules may be added and removed at any time. */
  readonly faults: ModalFaultRule[];
  /** The certificate of tunnels, which a caller has to trust. */
  readonly certificate: Buffer;
  /** How many requests the version before still answers after the next deploys of an app. */
  readonly keepServing: (app: string, requests: number) => void;
  /** What somebody does to a deployed app with their own hands: another image runs under it from now on. */
  readonly deployByHand: (environment: string, app: string, reference: string, by?: string) => void;
  /** Somebody deploys a version that waits to be promoted. */
  readonly stage: (environment: string, app: string, reference: string) => void;
  /** Puts copies of a deployed app beside it, with names of their own. */
  readonly multiply: (environment: string, app: string, count: number, nameOf?: (at: number) => string) => void;
  readonly stopByHand: (environment: string, app: string, by?: string) => void;
  /** Ends it. @throws Error if a client made a call that it does not know, or a call made it fail */
  readonly stop: () => Promise<void>;
}

const clientOf = (metadata: Metadata): SeenCall['client'] => {
  const type = String(metadata.get('x-modal-client-type')[0] ?? '');
  return ({ '1': 'python', '8': 'js' } as const)[type] ?? 'other';
};

const seenCall = (method: string, metadata: Metadata, request: unknown): SeenCall => {
  const { environment_name, deployment_name } = (request ?? {}) as { environment_name?: string; deployment_name?: string };
  return {
    method,
    client: clientOf(metadata),
    environment: method === 'EnvironmentGetOrCreate' ? deployment_name : environment_name,
    metadata: Object.keys(metadata.toJSON()).sort(),
  };
};

/** A certificate for tunnels on loopback, of a day; a process needs one. */
const newCertificate = (): { readonly key: Buffer; readonly cert: Buffer } => {
  const folder = mkdtempSync(join(tmpdir(), 'pinlane-tunnel-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const options = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-days',
      '1',
      '-subj',
      '/CN=127.0.0.1',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
    ];
    execFileSync('openssl', ['req', '-x509', '-nodes', ...options, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

let certificateOfProcess: ReturnType<typeof newCertificate> | undefined;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Service {
  readonly handlers: Readonly<Record<string, Handler>>;
  readonly streams: Readonly<Record<string, StreamHandler>>;
  readonly token: { readonly id: string; readonly secret: string };
  readonly calls: SeenCall[];
  readonly faults: readonly ModalFaultRule[];
  /** What a test must be told of: calls that are not known, and faults of the stand-in itself. */
  readonly complaints: string[];
}

const check = ({ token }: Service, metadata: Metadata): void => {
  const [id, secret] = [metadata.get('x-modal-token-id')[0], metadata.get('x-modal-token-secret')[0]];
  if (id !== token.id || secret !== token.secret) throw new Refusal('UNAUTHENTICATED', 'Token ID is malformed, or its secret is wrong');
};

/** What happens before a call is answered; false if it is never answered. */
const suffer = async (fault: ModalFault | undefined): Promise<boolean> => {
  if (fault?.kind === 'refuse') throw new Refusal(fault.code ?? 'UNAVAILABLE', fault.details ?? 'the stand-in was told to refuse this');
  if (fault?.kind === 'slow') await wait(fault.ms);
  if (fault?.kind === 'before') await fault.happen();
  return fault?.kind !== 'hang';
};

const failureOf = ({ complaints }: Service, method: string, error: unknown): { code: number; details: string } => {
  if (error instanceof Refusal) return { code: error.code, details: error.message };
  complaints.push(`${method} failed in the stand-in: ${error instanceof Error ? error.stack : String(error)}`);
  return { code: status.INTERNAL, details: `the stand-in failed at ${method}` };
};

const unknown = ({ complaints }: Service, method: string): Refusal => {
  complaints.push(`a client called ${method}, which the stand-in does not know`);
  return new Refusal('UNIMPLEMENTED', `the stand-in does not know ${method}`);
};

/** Calls that only read, of which nothing is kept: thousands of answers would only cost memory. */
const READS = /Get(?!OrCreate)|List|Lookup/;

/** Calls that are tried again with the key of the first try are not done twice, as Modal does not. */
const onceByKey = () => {
  const done = new Map<string, Promise<unknown>>();
  return (method: string, metadata: Metadata, work: () => Promise<unknown>): Promise<unknown> => {
    const key = metadata.get('x-idempotency-key')[0];
    if (key === undefined || READS.test(method)) return work();
    const known = done.get(`${method} ${String(key)}`);
    const result = known ?? work();
    if (!known) {
      done.set(`${method} ${String(key)}`, result);
      result.catch(() => done.delete(`${method} ${String(key)}`));
    }
    return result;
  };
};

const unaryOf =
  (service: Service, method: string, once: ReturnType<typeof onceByKey>) =>
  async (call: ServerUnaryCall<never, unknown>, reply: sendUnaryData<unknown>): Promise<void> => {
    const seen = seenCall(method, call.metadata, call.request);
    service.calls.push(seen);
    try {
      const handler = service.handlers[method];
      if (!handler) throw unknown(service, method);
      check(service, call.metadata);
      const fault = faultOf(service.faults, seen);
      if (!(await suffer(fault))) return;
      const answer = await once(method, call.metadata, async () => handler(call.request, seen));
      if (fault?.kind === 'lose') throw new Refusal(fault.code ?? 'UNAVAILABLE', 'the stand-in was told to lose this answer');
      reply(null, answer);
    } catch (error) {
      reply(failureOf(service, method, error));
    }
  };

const streamOf =
  (service: Service, method: string) =>
  async (call: ServerWritableStream<never, unknown>): Promise<void> => {
    const seen = seenCall(method, call.metadata, call.request);
    service.calls.push(seen);
    try {
      const handler = service.streams[method];
      if (!handler) throw unknown(service, method);
      check(service, call.metadata);
      const fault = faultOf(service.faults, seen);
      if (!(await suffer(fault))) return;
      if (fault?.kind !== 'no-result') for await (const message of handler(call.request, seen)) call.write(message);
      // Clients join again at once, and for ever.
      else await wait(50);
      call.end();
    } catch (error) {
      call.emit('error', { ...failureOf(service, method, error), metadata: new Metadata() });
    }
  };

const listen = (server: Server): Promise<number> =>
  new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port))),
  );

const handsOf = (account: Account, hosting: Hosting) => {
  const find = (environment: string, name: string): ModalApp => {
    const app = appOf(account, environment, name);
    if (!app?.live) throw new Error(`${name} is not deployed in ${environment}`);
    return app;
  };
  const withImage = (app: ModalApp, reference: string) => {
    const commands = [`FROM ${reference}`];
    const id = idOf('im', { commands, base: null });
    account.images.set(id, { id, commands, base: null, registrySecret: null, failure: null });
    return new Map([...app.live!.functions].map(([key, each]) => [key, { ...each, image_id: id }]));
  };
  return {
    deployByHand: (environment: string, name: string, reference: string, by = 'somebody'): void => {
      const app = find(environment, name);
      addVersion(account, hosting, app, { functions: withImage(app, reference), by });
    },
    stage: (environment: string, name: string, reference: string): void => {
      const app = find(environment, name);
      addVersion(account, hosting, app, { functions: withImage(app, reference), staged: true });
    },
    multiply: (environment: string, name: string, count: number, nameOf?: (at: number) => string): void =>
      multiply(account, find(environment, name), count, nameOf),
    stopByHand: (environment: string, name: string, by = 'somebody'): void => stopApp(account, find(environment, name), by),
  };
};

const closeFronts = ({ apps, sandboxes }: Account): Promise<unknown> =>
  Promise.all([...apps.values(), ...sandboxes.values()].flatMap(({ fronts }) => [...fronts.values()].map((front) => front.close())));

const nobody: StartContainer = () => {
  throw new Error('nothing runs containers here');
};

/** Starts a stand-in of Modal's control plane, which real clients speak to when MODAL_SERVER_URL names it. */
export const startModalStandIn = async (options: StandInOptions): Promise<ModalStandIn> => {
  const account = newAccount(options.environments ?? ['dev', 'staging', 'main'], 'stand-in-user', options.now ?? (() => Date.now() / 1000));
  const token = options.token ?? { id: newId('ak'), secret: newId('as') };
  const proxyToken = options.proxyToken ?? { key: newId('wk'), secret: newId('ws') };
  const start = options.start ?? nobody;
  const hosting: Hosting = { start, token: proxyToken, kept: new Map() };
  const certificate = (certificateOfProcess ??= newCertificate());
  const service: Service = {
    handlers: {
      ...placeCalls(account),
      ...secretCalls(account),
      ...imageCalls(account, options.pull ?? (() => null)),
      ...appCalls(account, hosting),
      ...sandboxCalls(account, { start, certificate }),
    },
    streams: imageStreams(account),
    token,
    calls: [],
    faults: [],
    complaints: [],
  };
  const server = new Server({ 'grpc.max_receive_message_length': 100 * 1024 * 1024, 'grpc.max_send_message_length': 100 * 1024 * 1024 });
  const definition = controlPlaneOf(options.python);
  const once = onceByKey();
  const methods = Object.entries(definition).map(([name, { responseStream }]) => [
    name,
    responseStream ? streamOf(service, name) : unaryOf(service, name, once),
  ]);
  server.addService(definition, Object.fromEntries(methods));
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    python: options.python,
    token,
    proxyToken,
    account,
    calls: service.calls,
    faults: service.faults as ModalFaultRule[],
    certificate: certificate.cert,
    keepServing: (app, requests) => void hosting.kept.set(app, requests),
    ...handsOf(account, hosting),
    stop: async () => {
      server.forceShutdown();
      await closeFronts(account);
      const complaints = service.complaints.splice(0);
      if (complaints.length > 0) throw new Error(complaints.join('\n'));
    },
  };
};

/** Lets this process trust the tunnels of a stand-in besides all that it trusts already. */
export const trustTunnels = ({ certificate }: Pick<ModalStandIn, 'certificate'>): void =>
  setDefaultCACertificates([...getCACertificates('default'), certificate.toString()]);

/**
 * The environment in which a client speaks to a stand-in, and to nobody else: with its token, and away from the user's own configuration.
 * Both clients would send what goes to loopback to a proxy, too.
 */
export const standInEnvironment = ({ url, token }: Pick<ModalStandIn, 'url' | 'token'>): Record<string, string> => ({
  MODAL_SERVER_URL: url,
  MODAL_TOKEN_ID: token.id,
  MODAL_TOKEN_SECRET: token.secret,
  MODAL_CONFIG_PATH: '/dev/null/modal.toml',
  MODAL_DISABLE_API_PROXY: '1',
  NO_PROXY: '127.0.0.1',
  no_proxy: '127.0.0.1',
});

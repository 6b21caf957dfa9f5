import { createHash, randomBytes } from 'node:crypto';
import { refuse } from './calls.ts';
import type { Front } from './fronts.ts';

/** A secret as the control plane keeps it. */
export interface ModalSecret {
  readonly id: string;
  readonly name: string | null;
  readonly environment: string;
  readonly values: Map<string, string>;
  readonly createdAt: number;
}

/** What was asked to be built, and how that went. */
export interface ModalImage {
  readonly id: string;
  readonly commands: readonly string[];
  readonly base: string | null;
  readonly registrySecret: string | null;
  /** Why its build failed; null if it did not. */
  readonly failure: string | null;
}

/** The definition of a Server, as the client sent it, with what the stand-in itself reads. */
export interface ModalFunction {
  readonly function_name: string;
  readonly image_id: string;
  readonly secret_ids: readonly string[];
  readonly is_server: boolean;
  readonly autoscaler_settings: Readonly<Record<string, unknown>> | null;
  readonly http_config: { readonly port: number; readonly unauthenticated: boolean; readonly startup_timeout: number } | null;
  readonly [field: string]: unknown;
}

/** A version of an app: which definitions it runs, since when and by whom. */
export interface ModalVersion {
  readonly version: number;
  readonly functions: ReadonlyMap<string, ModalFunction>;
  readonly deployedAt: number;
  readonly deployedBy: string;
  readonly rollbackOf: number;
  readonly staged: boolean;
}

/** An app. Its live version is not always the newest: others may be staged. */
export interface ModalApp {
  readonly id: string;
  readonly name: string;
  readonly environment: string;
  readonly createdAt: number;
  readonly createdBy: string;
  state: 'APP_STATE_INITIALIZING' | 'APP_STATE_DEPLOYED' | 'APP_STATE_STOPPED';
  /** What was created since the last publish. */
  readonly created: Map<string, ModalFunction>;
  readonly versions: ModalVersion[];
  live: ModalVersion | null;
  stoppedAt: number;
  stoppedBy: string;
  /** By function id. */
  readonly fronts: Map<string, Front>;
}

/** A Sandbox that runs, or ran. */
export interface ModalSandbox {
  readonly id: string;
  readonly appId: string;
  readonly imageId: string;
  readonly secretIds: readonly string[];
  readonly arguments: readonly string[];
  readonly timeoutSecs: number;
  running: boolean;
  readonly fronts: Map<number, Front>;
}

/** All that a workspace holds. */
export interface Account {
  readonly user: string;
  readonly environments: Set<string>;
  readonly secrets: Map<string, ModalSecret>;
  readonly images: Map<string, ModalImage>;
  /** Image ids by `<environment>/<name>:<tag>`. */
  readonly published: Map<string, string>;
  readonly apps: Map<string, ModalApp>;
  readonly sandboxes: Map<string, ModalSandbox>;
  /** The app of each function, by its id. */
  readonly owners: Map<string, string>;
  /** Image ids that are told in place of others: a control plane that reports another image than was deployed. */
  readonly reported: Map<string, string>;
  /** Whether an image is built anew each time that it is asked for. */
  forgetsImages: boolean;
  /** Addresses that are told in place of their own, by app name: a dashboard's, for one. */
  readonly urls: Map<string, string>;
  readonly now: () => number;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const idText = (bytes: Uint8Array): string => [...bytes.subarray(0, 22)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');

/** A new id of the shape that clients check: a prefix and 22 letters and digits. */
export const newId = (prefix: string): string => `${prefix}-${idText(randomBytes(22))}`;

/** The id that stands for a content: the same for the same. */
export const idOf = (prefix: string, content: unknown): string => `${prefix}-${idText(createHash('sha256').update(JSON.stringify(content)).digest())}`;

/** An account with nothing in it but environments. */
export const newAccount = (environments: readonly string[], user: string, now: () => number): Account => ({
  user,
  environments: new Set(environments),
  secrets: new Map(),
  images: new Map(),
  published: new Map(),
  apps: new Map(),
  sandboxes: new Map(),
  owners: new Map(),
  reported: new Map(),
  forgetsImages: false,
  urls: new Map(),
  now,
});

/**
 * The environment that a request names; where it names none, the default, which is `main`.
 * @throws Refusal if there is no such environment
 */
export const environmentOf = ({ environments }: Account, name: string | undefined): string => {
  const environment = name || 'main';
  return environments.has(environment) ? environment : refuse('NOT_FOUND', `Environment '${environment}' not found`);
};

/** The deployed app of a name, or the one of that name that was stopped last. */
export const appOf = ({ apps }: Account, environment: string, name: string, state: ModalApp['state'] = 'APP_STATE_DEPLOYED'): ModalApp | undefined =>
  [...apps.values()].findLast((app) => app.environment === environment && app.name === name && app.state === state);

/** The chain of images from a reference to an image, the reference's first. */
const chainOf = (account: Account, id: string): ModalImage[] => {
  const image = account.images.get(id);
  if (!image) return [];
  return [...(image.base === null ? [] : chainOf(account, image.base)), image];
};

/** @throws Error for an ENV in another form than ours, so that no test runs an image without what it was told */
const variableOf = (command: string): readonly [string, string][] => {
  if (!/^ENV\b/i.test(command)) return [];
  const [, name, value] = /^ENV ([A-Za-z_][A-Za-z0-9_]*)=([^\s"'\\$]*)$/.exec(command) ?? [];
  if (name === undefined || value === undefined) throw new Error(`the stand-in does not read: ${command}`);
  return [[name, value]];
};

/** What an image comes from, and the ENV that its commands set on it. */
export const contentOf = (
  account: Account,
  id: string,
): { readonly reference: string; readonly commands: readonly string[]; readonly environment: Map<string, string> } => {
  const commands = chainOf(account, id).flatMap((image) => image.commands);
  const reference = /^FROM (\S+)$/.exec(commands[0] ?? '')?.[1];
  if (reference === undefined) throw new Error(`the image ${id} comes from no reference`);
  return { reference, commands, environment: new Map(commands.flatMap(variableOf)) };
};

/** The values that some secrets set together. */
export const valuesOf = ({ secrets }: Account, ids: readonly string[]): Map<string, string> =>
  new Map(ids.flatMap((id) => [...(secrets.get(id)?.values ?? [])]));

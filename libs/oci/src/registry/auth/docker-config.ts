import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { fail, isMachineFault } from '@pinlane/contracts';
import { askHelper, noCredentialHelper, type RunCredentialHelper } from './credential-helper.ts';
import { basicOf, type Credentials, type CredentialSource } from './credentials.ts';
import { goFields } from './go-json.ts';

const text = z.string().default('');
const entrySchema = z.preprocess(
  goFields('auth', 'username', 'password', 'identitytoken', 'registrytoken'),
  z.object({ auth: text, username: text, password: text, identitytoken: text, registrytoken: text }),
);
/** A null helper is one without a name: it keeps `credsStore` from being asked. */
const configSchema = z.preprocess(
  goFields('auths', 'credsStore', 'credHelpers'),
  z.object({
    auths: z.record(z.string(), entrySchema.nullable()).default({}),
    credsStore: text,
    credHelpers: z.record(z.string(), z.string().nullable()).default({}),
  }),
);
export type DockerConfig = z.infer<typeof configSchema>;
type Entry = z.infer<typeof entrySchema>;

/** Docker's name for its own registry in the configuration (docker/cli, cli/config/configfile/file.go, `getAuthConfigKey`). */
const HUB_KEY = 'https://index.docker.io/v1/';
const HUB_HOSTS = ['docker.io', 'index.docker.io'];

const keyOf = (host: string): string => (HUB_HOSTS.includes(host) ? HUB_KEY : host);

/** Parses Docker's config.json. No error quotes the text, which holds secrets. @throws ERR_REGISTRY_AUTH */
export const parseDockerConfig = (written: string, file: string): DockerConfig => {
  try {
    // To Docker, too, an empty file is one without logins, and so is one that holds a null.
    return configSchema.parse(JSON.parse(written.trim() === '' ? '{}' : written) ?? {});
  } catch {
    return fail('ERR_REGISTRY_AUTH', 'the Docker configuration is not valid', { file, fix: 'Mend the file, or log in anew with docker login.' });
  }
};

/** The host in a key of `auths` that is an address, as old versions wrote them (docker/cli, cli/config/credentials/file_store.go, `ConvertToHostname`). */
const hostIn = (key: string): string => /^(?:[^:/]*:\/\/)?(?:[^/@]*@)?([^/]*)/.exec(key)?.[1] ?? '';

/**
 * The entry for a repository: that of its host, else of the first key that is an address of the host. One for a leading part of the path goes before
 * both, as in the files of containers/image, which Docker writes none of.
 */
const entryFor = ({ auths }: DockerConfig, host: string, path: string): Entry | undefined => {
  const keys = Object.keys(auths);
  const [namespace] = keys.filter((key) => key !== host && `${host}/${path}/`.startsWith(`${key}/`)).sort((a, b) => b.length - a.length);
  const own = keyOf(host);
  const key = namespace ?? (Object.hasOwn(auths, own) ? own : keys.find((each) => hostIn(each) === own));
  return key === undefined ? undefined : (auths[key] ?? undefined);
};

/** The user and password of an entry: those in `auth`, if it is there, whatever else the entry has. @throws ERR_REGISTRY_AUTH */
const loginOf = ({ auth, username, password }: Entry, file: string): Credentials | undefined => {
  if (auth === '') return basicOf(username, password);
  const decoded = /^([^:]+):([^]*)$/.exec(Buffer.from(auth, 'base64').toString('utf8'));
  if (decoded === null) return fail('ERR_REGISTRY_AUTH', 'an `auth` entry is not base64 of user:password', { file });
  return basicOf(decoded[1]!, decoded[2]!.replace(/^\0+|\0+$/g, ''));
};

const credentialsOf = (entry: Entry, file: string): Credentials | undefined =>
  entry.identitytoken === '' ? loginOf(entry, file) : { kind: 'identity', token: entry.identitytoken };

/** The helper to ask for a host. One in `credHelpers` takes the place of `credsStore`, also if it has no name: then the file itself is read. */
const helperFor = ({ credHelpers, credsStore }: DockerConfig, host: string): string =>
  Object.hasOwn(credHelpers, keyOf(host)) ? (credHelpers[keyOf(host)] ?? '') : credsStore;

/**
 * Finds credentials as Docker's client does (docker/cli, cli/config), in ~/.docker/config.json or in config.json of the folder $DOCKER_CONFIG: those of
 * the credential helper, which `run` starts, if one is named for the registry, else those in `auths`. What a file holds beside a helper does not count,
 * but for a registry token. The file is read each time when credentials are asked for; `signal` ends the helper.
 * @throws ERR_REGISTRY_AUTH and what `run` throws, when the source is asked
 */
export const dockerCredentials = (
  run: RunCredentialHelper = noCredentialHelper,
  env: NodeJS.ProcessEnv = process.env,
  signal?: AbortSignal,
): CredentialSource => {
  const file = join(env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker'), 'config.json');
  return async (host, path) => {
    const written = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      if (isMachineFault(error)) throw error;
      // Going on without credentials would end in a refusal by the registry that does not tell the reason.
      return fail('ERR_REGISTRY_AUTH', `the Docker configuration can't be read (${error.code ?? 'unknown'})`, {
        file,
        fix: 'Let this user read the file; DOCKER_CONFIG names its folder.',
      });
    });
    if (written === undefined) return undefined;
    const config = parseDockerConfig(written, file);
    const helper = helperFor(config, host);
    const entry = entryFor(config, host, path);
    const found = helper === '' ? entry && credentialsOf(entry, file) : await askHelper({ run, env, signal }, helper, keyOf(host));
    return entry?.registrytoken ? { kind: 'bearer', token: entry.registrytoken } : found;
  };
};

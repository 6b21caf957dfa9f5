import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { fail } from '@pinlane/contracts';
import { askHelper, noCredentialHelper, type RunCredentialHelper } from './credential-helper.ts';
import type { Credentials, CredentialSource } from './credentials.ts';

const entrySchema = z.object({
  auth: z.string().nullish(),
  username: z.string().nullish(),
  password: z.string().nullish(),
  identitytoken: z.string().nullish(),
  registrytoken: z.string().nullish(),
});
const configSchema = z.object({
  auths: z.record(z.string(), entrySchema.nullish()).nullish(),
  credsStore: z.string().nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
});
export type DockerConfig = z.infer<typeof configSchema>;
type Entry = z.infer<typeof entrySchema>;

/** Docker's name for its own registry in the configuration, whichever of its hosts is used. */
const HUB_KEY = 'https://index.docker.io/v1/';
const HUB_HOSTS = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

const isHub = (host: string): boolean => HUB_HOSTS.includes(host);

/** `https://host/v1/` -> `host`; a namespace's path stays. */
const plainKey = (key: string): string =>
  key
    .replace(/^https?:\/\//, '')
    .replace(/\/+$/, '')
    .replace(/\/v[12]$/, '');

/** Parses Docker's config.json. No error quotes the text, which holds secrets. @throws ERR_REGISTRY_AUTH */
export const parseDockerConfig = (text: string, file: string): DockerConfig => {
  try {
    // To Docker, too, an empty file is one without logins.
    return configSchema.parse(JSON.parse(text.trim() === '' ? '{}' : text));
  } catch {
    return fail('ERR_REGISTRY_AUTH', 'the Docker configuration is not valid', { file, fix: 'Mend the file, or log in anew with docker login.' });
  }
};

/** The entry for a repository. A key may be the host, or the host with a leading part of the path; the longest that fits counts. */
const entryFor = (auths: Readonly<Record<string, Entry | null | undefined>>, host: string, path: string): Entry | undefined => {
  const targets = (isHub(host) ? HUB_HOSTS : [host]).map((name) => `${name}/${path}/`);
  const fitting = Object.keys(auths).filter((key) => targets.some((target) => target.startsWith(`${plainKey(key)}/`)));
  const [best] = fitting.sort((a, b) => plainKey(b).length - plainKey(a).length);
  return best === undefined ? undefined : (auths[best] ?? undefined);
};

const credentialsOf = (entry: Entry, file: string): Credentials | undefined => {
  if (entry.registrytoken) return { kind: 'bearer', token: entry.registrytoken };
  if (entry.identitytoken) return { kind: 'identity', token: entry.identitytoken };
  if (entry.username && entry.password) return { kind: 'basic', username: entry.username, password: entry.password };
  if (!entry.auth) return undefined;
  const [, username, password] = /^([^:]+):([\s\S]*)$/.exec(Buffer.from(entry.auth, 'base64').toString('utf8').replace(/\0+$/, '')) ?? [];
  if (username === undefined || password === undefined) return fail('ERR_REGISTRY_AUTH', 'an `auth` entry is not base64 of user:password', { file });
  return { kind: 'basic', username, password };
};

/** The helper to ask for a host. As in Docker, `credHelpers` takes precedence over `credsStore`. */
const helperFor = ({ credHelpers, credsStore }: DockerConfig, host: string): string | undefined => {
  const own = credHelpers && Object.entries(credHelpers).find(([key]) => plainKey(key) === host || (isHub(host) && isHub(plainKey(key))))?.[1];
  return own || credsStore || undefined;
};

/**
 * Finds credentials as `docker login` stored them, in ~/.docker/config.json or in config.json of the folder $DOCKER_CONFIG: first those of a credential
 * helper, which `run` starts, then those in `auths`. The file is read each time when credentials are asked for.
 * @throws ERR_REGISTRY_AUTH and what `run` throws, when the source is asked
 */
export const dockerCredentials = (run: RunCredentialHelper = noCredentialHelper, env: NodeJS.ProcessEnv = process.env): CredentialSource => {
  const file = join(env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker'), 'config.json');
  return async (host, path) => {
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      // Going on without credentials would end in a refusal by the registry that does not tell the reason.
      return fail('ERR_REGISTRY_AUTH', `the Docker configuration can't be read (${error.code ?? 'unknown'})`, {
        file,
        fix: 'Let this user read the file; DOCKER_CONFIG names its folder.',
      });
    });
    if (text === undefined) return undefined;
    const config = parseDockerConfig(text, file);
    const helper = helperFor(config, host);
    const found = helper === undefined ? undefined : await askHelper(run, helper, isHub(host) ? HUB_KEY : host, env);
    const entry = found ? undefined : entryFor(config.auths ?? {}, host, path);
    return found ?? (entry && credentialsOf(entry, file));
  };
};

import { environmentOf, newId, valuesOf, type Account, type ModalSecret } from './account.ts';
import { refuse, type Handler } from './calls.ts';
import { mapOf, type Entries } from './descriptors.ts';

const jwt = (payload: unknown): string =>
  [{ alg: 'none', typ: 'JWT' }, payload, 'signature'].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');

/** Who is asked, and the environments. */
export const placeCalls = (account: Account): Record<string, Handler> => ({
  ClientHello: () => ({}),
  // Clients read when it expires, and nothing else of it.
  AuthTokenGet: () => ({ token: jwt({ exp: Math.floor(account.now()) + 3600 }) }),
  WorkspaceNameLookup: () => ({ workspace_name: 'stand-in', username: account.user }),
  ObjectSuggest: () => ({}),
  EnvironmentGetOrCreate: ({ deployment_name }: { deployment_name: string }) => {
    const name = environmentOf(account, deployment_name);
    return { environment_id: `en-${name}`, metadata: { name, settings: { image_builder_version: '2025.06', webhook_suffix: '' } } };
  },
  EnvironmentList: () => ({ items: [...account.environments].map((name) => ({ name, environment_id: `en-${name}`, default: name === 'main' })) }),
});

interface SecretRequest {
  readonly deployment_name: string;
  readonly environment_name: string;
  readonly object_creation_type: string;
  readonly env_dict: Entries;
  readonly required_keys: readonly string[];
}

const metadataOf = ({ name, environment, values, createdAt }: ModalSecret, account: Account) => ({
  name: name ?? '',
  environment_name: environment,
  keys: [...values.keys()].sort(),
  creation_info: { created_at: createdAt, created_by: account.user },
});

const named = ({ secrets }: Account, environment: string, name: string): ModalSecret | undefined =>
  [...secrets.values()].findLast((secret) => secret.name === name && secret.environment === environment);

const reply = (secret: ModalSecret, account: Account) => ({ secret_id: secret.id, metadata: metadataOf(secret, account) });

const getOrCreate = (account: Account, request: SecretRequest) => {
  const environment = environmentOf(account, request.environment_name);
  const how = request.object_creation_type.replace('OBJECT_CREATION_TYPE_', '');
  const nameless = how === 'EPHEMERAL' || how === 'ANONYMOUS_OWNED_BY_APP';
  const found = nameless ? undefined : named(account, environment, request.deployment_name);
  if (how === 'UNSPECIFIED') {
    if (!found) return refuse('NOT_FOUND', `Secret '${request.deployment_name}' not found in environment '${environment}'`);
    const missing = request.required_keys.filter((key) => !found.values.has(key));
    return missing.length > 0 ? refuse('FAILED_PRECONDITION', `Secret is missing key(s): ${missing.join(', ')}`) : reply(found, account);
  }
  if (found && how === 'CREATE_FAIL_IF_EXISTS') return refuse('ALREADY_EXISTS', `Secret '${request.deployment_name}' already exists`);
  if (found && how === 'CREATE_IF_MISSING') return reply(found, account);
  // Overwriting keeps the id here; whether Modal does is not known.
  const name = nameless ? null : request.deployment_name;
  const secret: ModalSecret = { id: found?.id ?? newId('st'), name, environment, values: mapOf(request.env_dict), createdAt: account.now() };
  account.secrets.set(secret.id, secret);
  return reply(secret, account);
};

/** Secrets. Their values are told by no call; only containers get them. */
export const secretCalls = (account: Account): Record<string, Handler> => {
  const byId = (id: string): ModalSecret => account.secrets.get(id) ?? refuse('NOT_FOUND', `Secret '${id}' not found`);
  return {
    SecretGetOrCreate: (request: SecretRequest) => getOrCreate(account, request),
    SecretGetInfo: ({ secret_id }: { secret_id: string }) => ({ metadata: metadataOf(byId(secret_id), account) }),
    SecretUpdate: ({ secret_id, updates }: { secret_id: string; updates: Entries }) => {
      for (const { key, value } of updates) byId(secret_id).values.set(key, value);
      return {};
    },
    SecretDelete: ({ secret_id }: { secret_id: string }) => {
      account.secrets.delete(byId(secret_id).id);
      return {};
    },
    SecretList: ({ environment_name, pagination }: { environment_name: string; pagination: { max_objects?: number; created_before?: number } | null }) => {
      const environment = environmentOf(account, environment_name);
      const before = pagination?.created_before || Infinity;
      const all = [...account.secrets.values()].filter((secret) => secret.name !== null && secret.environment === environment && secret.createdAt < before);
      const page = all.sort((a, b) => b.createdAt - a.createdAt).slice(0, pagination?.max_objects || 100);
      const items = page.map((secret) => ({
        label: secret.name,
        secret_id: secret.id,
        created_at: secret.createdAt,
        environment_name: environment,
        metadata: metadataOf(secret, account),
      }));
      return { items, environment_name: environment };
    },
  };
};

/** The values of registry credentials, for whoever plays the registry. */
export const credentialsOf = (account: Account, secretId: string | null): ReadonlyMap<string, string> | null =>
  secretId === null ? null : valuesOf(account, [secretId]);

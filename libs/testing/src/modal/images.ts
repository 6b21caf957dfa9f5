import { environmentOf, idOf, newId, type Account, type ModalImage } from './account.ts';
import { refuse, type Handler, type StreamHandler } from './calls.ts';
import { credentialsOf } from './places.ts';

/** Tells why a reference can't be pulled, given the credentials that were sent with it; null if it can. */
export type Pull = (reference: string, credentials: ReadonlyMap<string, string> | null) => string | null;

interface BuildRequest {
  readonly image: {
    readonly dockerfile_commands: readonly string[];
    readonly base_images: readonly { readonly image_id: string }[];
    readonly secret_ids: readonly string[];
    readonly image_registry_config: { readonly secret_id: string } | null;
  };
  readonly force_build: boolean;
}

/** The key of a published name, however a client writes it: Python puts the environment before a slash, the JS SDK beside it. */
const publishedKey = (account: Account, tag: string, environment: string): string => {
  const slash = tag.indexOf('/');
  const name = tag.slice(slash + 1);
  if (!/^[^:]+:[a-zA-Z0-9._-]{1,128}$/.test(name)) return refuse('INVALID_ARGUMENT', `invalid image name '${tag}'`);
  return `${environmentOf(account, slash < 0 ? environment : tag.slice(0, slash))}/${name}`;
};

const resultOf = ({ failure }: ModalImage) =>
  failure === null ? { status: 'GENERIC_STATUS_SUCCESS' } : { status: 'GENERIC_STATUS_FAILURE', exception: failure };

const METADATA = { image_builder_version: '2025.06' };

const build = (account: Account, pull: Pull, { image, force_build }: BuildRequest): ModalImage => {
  const base = image.base_images[0]?.image_id ?? null;
  const content = { commands: image.dockerfile_commands, base };
  const id = force_build || account.forgetsImages ? newId('im') : idOf('im', content);
  const known = account.images.get(id);
  if (known && known.failure === null) return known;
  const registrySecret = image.image_registry_config?.secret_id || null;
  const reference = /^FROM (\S+)$/.exec(image.dockerfile_commands[0] ?? '')?.[1] ?? '';
  const failure = base === null ? pull(reference, credentialsOf(account, registrySecret)) : null;
  const built: ModalImage = { id, ...content, registrySecret, failure };
  account.images.set(id, built);
  return built;
};

/** Images: building, publishing and finding them. */
export const imageCalls = (account: Account, pull: Pull): Record<string, Handler> => {
  const byId = (id: string): ModalImage => account.images.get(id) ?? refuse('NOT_FOUND', `Could not find image with ID ${id}`);
  const byTag = (tag: string, environment: string): string =>
    account.published.get(publishedKey(account, tag, environment)) ?? refuse('NOT_FOUND', `Image '${tag}' not found`);
  return {
    ImageGetOrCreate: (request: BuildRequest) => {
      const before = account.images.size;
      const image = build(account, pull, request);
      // The status of one that was just begun is 0: its builder joins the stream.
      return account.images.size > before || image.failure !== null
        ? { image_id: image.id }
        : { image_id: image.id, result: resultOf(image), metadata: METADATA };
    },
    ImageFromId: ({ image_id }: { image_id: string }) => ({ image_id: byId(image_id).id, metadata: METADATA }),
    ImagePublish: ({ image_id, tag, environment_name }: { image_id: string; tag: string; environment_name: string }) => {
      account.published.set(publishedKey(account, tag, environment_name), byId(image_id).id);
      return { image_id, revision_id: newId('ir') };
    },
    ImageGetByTag: ({ tag, environment_name }: { tag: string; environment_name: string }) => ({ image_id: byTag(tag, environment_name) }),
    ImageDelete: ({ image_id }: { image_id: string }) => {
      account.images.delete(byId(image_id).id);
      return {};
    },
    ImageNameDelete: ({ tag }: { tag: string }) => {
      byTag(tag, '');
      account.published.delete(publishedKey(account, tag, ''));
      return {};
    },
    ImageListTags: ({ environment_name, tag_prefix, image_id }: { environment_name: string; tag_prefix: string; image_id: string }) => {
      const environment = environmentOf(account, environment_name);
      const all = [...account.published].filter(([key, id]) => key.startsWith(`${environment}/${tag_prefix}`) && (image_id || id) === id);
      return { items: all.map(([key, id]) => ({ tag: key.slice(environment.length + 1), image_id: id })), environment_name: environment };
    },
  };
};

/** The streams that tell how a build ends. */
export const imageStreams = (account: Account): Record<string, StreamHandler> => ({
  ImageJoinStreaming: ({ image_id }: { image_id: string }) => {
    const image = account.images.get(image_id) ?? refuse('NOT_FOUND', `Could not find image with ID ${image_id}`);
    return [
      { entry_id: '1', task_logs: [] },
      { entry_id: '2', result: resultOf(image), metadata: METADATA, eof: true },
    ];
  },
});

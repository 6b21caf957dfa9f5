import { architectureOf, digestHex, fail, isPinlaneError, type RunnableImage } from '@pinlane/contracts';
import type { Docker } from './daemon.ts';

type Needed = Pick<RunnableImage, 'name' | 'platform' | 'digest' | 'configDigest' | 'archive'>;

/** Under `.localhost` nothing is ever pulled from the network (RFC 6761). */
const repositoryOf = ({ name }: Needed): string => `pinlane.localhost/accept/${name}`;
const tagOf = (image: Needed): string => `${architectureOf(image.platform)}-${digestHex(image.digest).slice(0, 12)}`;

/** Removes what an earlier build of the same processor and platform left. Docker itself refuses while a container uses it. */
const removeOlder = async (docker: Docker, image: Needed): Promise<void> => {
  const { stdout } = await docker.run(['image', 'ls', '--format', '{{.Tag}}', repositoryOf(image)]);
  const own = `${architectureOf(image.platform)}-`;
  const older = stdout.split('\n').filter((tag) => tag.startsWith(own) && tag !== tagOf(image));
  if (older.length > 0) await docker.run(['image', 'rm', ...older.map((tag) => `${repositoryOf(image)}:${tag}`)], { expectedCodes: [1] });
};

/**
 * Brings an image to Docker unless it is there, and returns the id by which Docker runs it. That id is the proof of what runs. It is the digest of the
 * manifest if Docker keeps images in containerd; else it is the digest of the config, which the manifest names, and which names the content of every layer.
 * @throws ERR_DIGEST_MISMATCH, ERR_ADAPTER and whatever the image's source throws
 */
const ensureImage = async (docker: Docker, image: Needed, signal?: AbortSignal): Promise<string> => {
  const name = `${repositoryOf(image)}:${tagOf(image)}`;
  const held = async (): Promise<string> => {
    const { stdout } = await docker.run(['image', 'inspect', '--format', '{{.Id}}', name], { signal, expectedCodes: [1] });
    return stdout.trim();
  };
  const isIt = (id: string): boolean => id === image.digest || id === image.configDigest;

  const before = await held();
  if (isIt(before)) return before;
  let broken: unknown;
  const archive = async function* (): AsyncGenerator<Uint8Array, void, void> {
    try {
      yield* image.archive(name);
    } catch (error) {
      broken = error;
      throw error;
    }
  };
  await docker.run(['load', '--quiet'], { input: archive(), signal }).catch((error: unknown) => {
    throw broken ?? error;
  });
  const after = await held();
  if (!isIt(after)) return fail('ERR_DIGEST_MISMATCH', `Docker took in ${image.digest} and holds ${after || 'nothing'} under ${name}`);
  await removeOlder(docker, image);
  return after;
};

/**
 * Creates something from an image by its id, and returns the id. Another run of the same processor may remove the image before it is used, as an older
 * one; then it is brought once more.
 * @throws what {@link ensureImage} and `create` throw
 */
export const createOf = async (docker: Docker, image: Needed, create: (imageId: string) => Promise<unknown>, signal?: AbortSignal): Promise<string> => {
  const once = async (): Promise<string> => {
    const id = await ensureImage(docker, image, signal);
    await create(id);
    return id;
  };
  return once().catch((error: unknown) => (isPinlaneError(error, 'ERR_ADAPTER') && /no such image/i.test(error.message) ? once() : Promise.reject(error)));
};

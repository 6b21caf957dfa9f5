import type { ModalClient, Image } from 'modal';
import { fail, isPinlaneError } from '@pinlane/contracts';
import { failureOf, isNotFound } from './failures.ts';
import { secretsOf } from './client-environment.ts';
import { LIMITS } from './limits.ts';
import { HELPER_APP, publishedName } from './names.ts';
import { withSdk, type SdkClient } from './sdk.ts';
import { whileAlive } from './watch.ts';

/** An image that is to be there for a pin. */
export interface WantedImage {
  readonly slug: string;
  /** The platform manifest: `repository@sha256:…`. */
  readonly reference: string;
  readonly digest: string;
  /** The name of the Modal secret with the registry's credentials; null for a public image. */
  readonly registrySecret: string | null;
  /** The commands that are carried out on it; the one ENV of a deployment if absent. */
  readonly commands?: readonly string[];
  /** The app that it is built in; the one of all deployments if absent. */
  readonly builtIn?: string;
}

const build = async (sdk: ModalClient, wanted: WantedImage, environment: string): Promise<Image> => {
  const { reference, digest, registrySecret, commands = [`ENV IMAGE_DIGEST=${digest}`], builtIn = HELPER_APP } = wanted;
  const helper = await sdk.apps.fromName(builtIn, { environment, createIfMissing: true });
  const secret = registrySecret === null ? undefined : await sdk.secrets.fromName(registrySecret, { environment });
  const pulled = sdk.images.fromRegistry(reference, secret);
  return (commands.length === 0 ? pulled : pulled.dockerfileCommands([...commands])).build(helper);
};

/** What the SDK says of a build that failed has no code: it is known by its words. */
const failureOfBuild = (thrown: unknown, what: string, client: SdkClient): never => {
  if (isPinlaneError(thrown)) throw thrown;
  const isBuild = /^Image build for \S+ (?:failed|timed out|terminated)/.test(String((thrown as Error).message));
  throw failureOf(thrown, what, secretsOf(client.env), isBuild ? 'ERR_DEPLOY_FAILED' : undefined);
};

/**
 * Builds the platform's image object for a pin: the pinned manifest with one ENV, its own digest. The same is found again, and not built anew.
 * @returns Modal's id of it
 * @throws ERR_DEPLOY_FAILED, ERR_HOSTING_UNAVAILABLE, ERR_HOSTING_AUTH, ERR_HOSTING_REFUSED, ERR_CANCELLED
 */
export const buildImage = (client: SdkClient, wanted: WantedImage): Promise<string> => {
  const what = `building the image object of ${wanted.reference}`;
  return whileAlive(client, what, (stop) =>
    withSdk({ ...client, signal: AbortSignal.any([client.signal, stop]) }, { what, limitMs: LIMITS.buildMs, callMs: LIMITS.joinMs }, async (sdk) => {
      const { imageId } = await build(sdk, wanted, client.environment).catch((thrown: unknown) => failureOfBuild(thrown, what, client));
      return imageId || fail('ERR_HOSTING_REFUSED', `Modal gave no id for the image object of ${wanted.reference}`);
    }),
  );
};

/** Gives an image object the name that holds the whole digest of its pin. @throws as {@link buildImage} */
export const publishImage = (client: SdkClient, imageId: string, { slug, digest }: WantedImage): Promise<void> => {
  const name = publishedName(slug, digest);
  return withSdk(client, { what: `publishing the image ${name}` }, async (sdk) =>
    (await sdk.images.fromId(imageId)).publish(name, { environment: client.environment }),
  );
};

/** Takes an image object away; those that it was built on stay. @throws as {@link buildImage} */
export const deleteImage = (client: SdkClient, imageId: string): Promise<void> =>
  withSdk(client, { what: `deleting the image object ${imageId}` }, (sdk) => sdk.images.delete(imageId));

/** The id of the image object that is published for a pin; null if none is. @throws as {@link buildImage} */
export const publishedImage = (client: SdkClient, slug: string, digest: string): Promise<string | null> =>
  withSdk(client, { what: `looking for the image ${publishedName(slug, digest)}` }, async (sdk) => {
    try {
      return (await sdk.images.fromName(publishedName(slug, digest), { environment: client.environment })).imageId;
    } catch (thrown) {
      if (isNotFound(thrown)) return null;
      throw thrown;
    }
  });

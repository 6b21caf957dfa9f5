import { isPinlaneError } from '@pinlane/contracts';
import { LIMITS } from '../limits.ts';
import { buildImage, deleteImage, publishedImage, type WantedImage } from '../image.ts';
import { publishedName } from '../names.ts';
import { publishedNames } from '../observe.ts';
import type { PythonClient } from '../python.ts';
import { deleteSecret } from '../secrets.ts';
import { stopModalApp } from '../server.ts';
import { runAlive } from '../watch.ts';

/** What was made under one name, or may have been. */
export interface Made {
  /** The name of the app and of the secret, and the first part of the image's name. */
  readonly name: string;
  /** The digest that the image is published for; null if nobody knows, so that all names are looked through. */
  readonly digest: string | null;
  /** The image object; null if none was built yet. */
  imageId: string | null;
  /** The image object that is being built, whose id is told only afterwards: whoever builds it again is told, too. */
  building: WantedImage | null;
}

/** How long all of a removal may take, in ms. It goes on when the command was interrupted. */
const REMOVAL_MS = 60_000;

const removeName = (client: PythonClient, name: string): Promise<unknown> =>
  runAlive(client, { args: ['image', 'names', 'delete', name, '--yes'], what: `deleting the name ${name}`, timeoutMs: LIMITS.writeMs });

/** Takes away the names of an image, and the image object that they lead to. */
const removeImages = async (client: PythonClient, { name, digest, imageId }: Made): Promise<void> => {
  const named =
    digest === null
      ? (await publishedNames(client)).filter(({ slug }) => slug === name)
      : await publishedImage(client, name, digest).then((id) => (id === null ? [] : [{ slug: name, digest, imageId: id }]));
  for (const each of named) await removeName(client, publishedName(each.slug, each.digest));
  const ids = new Set([...named.map((each) => each.imageId), ...(imageId === null ? [] : [imageId])]);
  await Promise.all(
    [...ids].map((id) =>
      deleteImage(client, id).catch((thrown: unknown) => {
        // One that is not there any more was taken away by an earlier try.
        if (!/not find|not found/i.test(String((thrown as Error).message))) throw thrown;
      }),
    ),
  );
};

/**
 * Takes away everything that was made under a name, also if the command was interrupted.
 * @returns what could not be removed, in words
 */
export const removeMade = async (given: PythonClient, made: Made): Promise<string[]> => {
  const client = { ...given, signal: AbortSignal.timeout(REMOVAL_MS) };
  const { name, building } = made;
  const parts: readonly (readonly [string, () => Promise<unknown>])[] = [
    [`the app ${name}`, () => stopModalApp(client, name)],
    [`the image ${name}`, () => removeImages(client, made)],
    [`the secret ${name}`, () => deleteSecret(client, name)],
  ];
  const left = await Promise.all(
    parts.map(([what, remove]) =>
      remove().then(
        () => [],
        (thrown: unknown) => [`${what} in environment ${client.environment} (${isPinlaneError(thrown) ? thrown.problems[0]!.message : String(thrown)})`],
      ),
    ),
  );
  return [...left.flat(), ...(building === null ? [] : [`the image object of ${name}, if Modal has built it: running this again finds it`])];
};

/** The same for a run that was killed: what it was just building is built again, which tells its id. @returns what could not be removed, in words */
export const removeLeftover = async (client: PythonClient, made: Made): Promise<string[]> => {
  if (made.building === null) return removeMade(client, made);
  const imageId = await buildImage(client, made.building).catch(() => null);
  return removeMade(client, { ...made, imageId, building: imageId === null ? made.building : null });
};

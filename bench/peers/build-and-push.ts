import { parseReference, parseRepository, PLATFORMS } from '@pinlane/contracts';
import { assembleImage, dockerfileBases, openRepository, openStore, parseDockerfile, pushImage, readBuildContext } from '@pinlane/oci';

/** Builds and pushes once, with the libraries alone. As in any lane, the push sets protecting tags and reads back what it wrote. */
export const buildAndPush = async (folder: string, root: string, name: string, tag: string): Promise<string> => {
  const store = openStore(root, { reach: { open: (repository) => openRepository(repository) } });
  const context = await readBuildContext(folder, {});
  const dockerfile = parseDockerfile(context.dockerfile.text, 'Dockerfile');
  const [base] = dockerfileBases(dockerfile, {}, PLATFORMS).map(parseReference);
  const digest = base?.digest;
  if (!base || !digest) throw new Error('the Dockerfile names no base by its digest');
  const source = (await store.missing(digest)).length === 0 ? store : openRepository(base);
  const { index } = await assembleImage({
    context,
    dockerfile,
    platforms: PLATFORMS,
    buildArgs: {},
    labels: {},
    resolveBase: async () => ({ source, digest }),
    store,
    progress: () => undefined,
    signal: new AbortController().signal,
  });
  await pushImage(store, openRepository(parseRepository(name), { mountFrom: base }), index.digest, { tags: [tag] });
  return index.digest;
};

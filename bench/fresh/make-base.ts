// Assembles a base from a folder with a Dockerfile and pushes it. Prints the digests of its index and platforms. Arguments: FOLDER STORE REPOSITORY TAG.
import { parseRepository, PLATFORMS } from '@pinlane/contracts';
import { assembleImage, openRepository, openStore, parseDockerfile, pushImage, readBuildContext } from '@pinlane/oci';

const [folder, root, name, tag] = process.argv.slice(2);
if (!folder || !root || !name || !tag) throw new Error('usage: FOLDER STORE REPOSITORY TAG');
const store = openStore(root);
const context = await readBuildContext(folder, {});
const { index, platforms } = await assembleImage({
  context,
  dockerfile: parseDockerfile(context.dockerfile.text, 'Dockerfile'),
  platforms: PLATFORMS,
  buildArgs: {},
  labels: {},
  resolveBase: () => Promise.reject(new Error('a base has no base')),
  store,
  progress: () => undefined,
  signal: new AbortController().signal,
});
await pushImage(store, openRepository(parseRepository(name)), index.digest, { tags: [tag] });
const digests = Object.entries(platforms).map(([architecture, { digest }]) => [architecture, digest]);
console.log(JSON.stringify({ index: index.digest, platforms: Object.fromEntries(digests) }));

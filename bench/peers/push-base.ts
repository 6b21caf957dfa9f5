// Copies an image from a store to a registry, and prints its digest. Arguments: STORE NAME REPOSITORY TAG.
import { parseRepository } from '@pinlane/contracts';
import { copyImage, openRepository, openStore } from '@pinlane/oci';

const [root, name, target, tag] = process.argv.slice(2);
if (!root || !name || !target || !tag) throw new Error('usage: STORE NAME REPOSITORY TAG');
const store = openStore(root);
const index = await store.resolve(name);
const repository = openRepository(parseRepository(target));
await copyImage(store, repository, index.digest);
await repository.tag(tag, index, (await store.readManifest(index.digest)).bytes);
console.log(index.digest);

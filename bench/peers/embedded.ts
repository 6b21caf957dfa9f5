// Builds and pushes once, in a process of its own. Arguments: CONTEXT STORE REPOSITORY TAG. The bench bundles this file as the plugin is bundled.
import { buildAndPush } from './build-and-push.ts';

const [folder, root, name, tag] = process.argv.slice(2);
if (!folder || !root || !name || !tag) throw new Error('usage: CONTEXT STORE REPOSITORY TAG');
console.log(await buildAndPush(folder, root, name, tag));

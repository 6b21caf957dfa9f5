// Serves a store on a free port of the loopback interface. Arguments: ROOT.
import { serveStore } from '@pinlane/oci';

const [root] = process.argv.slice(2);
if (!root) throw new Error('usage: ROOT');
const { origin, close } = await serveStore({ root, logRequests: false });
console.log(`listening on ${origin}`);
process.once('SIGTERM', () => void close());

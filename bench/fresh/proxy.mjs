// Stands before a registry, lets each request wait, and counts what goes through. Run by `fork`; takes { registry, delay } first, then { ask: 'take' }.
import { Agent, createServer, request } from 'node:http';

const agent = new Agent({ keepAlive: true });
/** What blobs are, by their digests, as the manifests that went through say. */
const kinds = new Map();
let counts;
const reset = () => (counts = { requests: {}, down: 0, up: 0, layersDown: 0, layersUp: 0, connections: 0, first: 0, last: 0 });
reset();

const learn = (bytes) => {
  let manifest;
  try {
    manifest = JSON.parse(bytes.toString());
  } catch {
    return;
  }
  if (manifest.config?.digest) kinds.set(manifest.config.digest, 'config');
  for (const { digest, mediaType } of manifest.layers ?? []) kinds.set(digest, /image\.(layer|rootfs)/.test(mediaType) ? 'layer' : 'list');
};

const kindOf = (url) => {
  const [path] = url.split('?');
  if (path.includes('/manifests/')) return 'manifest';
  if (path.includes('/uploads/')) return url.includes('mount=') ? 'mount' : 'upload';
  if (path.includes('/blobs/')) return kinds.get(path.slice(path.lastIndexOf('/') + 1)) ?? 'layer';
  return path === '/v2/' ? 'ping' : 'other';
};

const serve = (registry, delay) => {
  const [host, port] = registry.split(':');
  const handle = (incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const kind = kindOf(url);
    const key = `${method} ${kind}`;
    counts.requests[key] = (counts.requests[key] ?? 0) + 1;
    counts.first ||= Date.now();
    const took = counts;
    const kept = [];
    const upstream = request({ agent, host, port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.rawHeaders);
      answer.on('data', (chunk) => {
        took.down += chunk.length;
        if (kind === 'layer') took.layersDown += chunk.length;
        if (kind === 'manifest') kept.push(chunk);
      });
      answer.on('end', () => {
        took.last = Date.now();
        if (kind === 'manifest' && method === 'GET') learn(Buffer.concat(kept));
      });
      answer.pipe(outgoing);
    });
    upstream.on('error', () => outgoing.destroy());
    if (method === 'GET' || method === 'HEAD') return void upstream.end();
    incoming.on('data', (chunk) => {
      took.up += chunk.length;
      if (kind === 'manifest') kept.push(chunk);
    });
    incoming.on('end', () => {
      if (kind === 'manifest' && method === 'PUT') learn(Buffer.concat(kept.splice(0)));
    });
    incoming.pipe(upstream);
  };
  const server = createServer((incoming, outgoing) => setTimeout(handle, delay, incoming, outgoing));
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => {
    socket.setNoDelay(true);
    counts.connections += 1;
  });
  server.listen(0, '127.0.0.1', () => process.send({ address: `127.0.0.1:${server.address().port}` }));
};

process.on('message', (message) => {
  if (message.registry) return serve(message.registry, message.delay);
  process.send({ counts });
  reset();
});
process.on('disconnect', () => process.exit());

/**
 * A processor that is healthy, and does its worst when it is asked for a run. It is told what by BREAKS: `<kind>` or `<kind>=<a path of the machine>`. It never
 * ends when it is asked to.
 */
export const HOSTILE = `
const fs = require('node:fs'), http = require('node:http'), { join } = require('node:path'), { execFileSync, spawn } = require('node:child_process');
const root = process.env.ARTIFACTS_ROOT, [kind, host] = process.env.BREAKS.split('=');
const instead = (path, target) => { fs.rmSync(path, { recursive: true, force: true }); fs.symlinkSync(target, path); };
const { runtime } = JSON.parse(fs.readFileSync(process.env.PINLANE_SPEC, 'utf8'));
let first = true;
const endlessly = (stream, piece) => { const write = () => { while (stream.write(piece)); stream.once('drain', write); }; stream.on('error', () => {}); write(); };
const deep = () => {
  const back = process.cwd();
  process.chdir(root);
  for (let level = 0; level < 3000; level += 1) { fs.mkdirSync('d'); process.chdir('d'); }
  process.chdir(back);
};
const files = {
  'index-link': (run) => instead(join(run, 'outputs.json'), host),
  'index-environ': (run) => instead(join(run, 'outputs.json'), '/proc/self/environ'),
  'index-pipe': (run) => { fs.rmSync(join(run, 'outputs.json')); execFileSync('mkfifo', [join(run, 'outputs.json')]); },
  'index-folder': (run) => { fs.rmSync(join(run, 'outputs.json')); fs.mkdirSync(join(run, 'outputs.json')); },
  'receipt-link': (run) => instead(join(run, 'receipt.json'), host),
  'receipt-pipe': (run) => { fs.rmSync(join(run, 'receipt.json')); execFileSync('mkfifo', [join(run, 'receipt.json')]); },
  'outputs-link': (run) => instead(join(run, 'outputs'), join(host, '..')),
  'run-link': (run) => instead(run, join(host, '..')),
  'output-link': (run) => instead(join(run, 'outputs/a.txt'), host),
  'output-endless': (run) => instead(join(run, 'outputs/a.txt'), '/dev/zero'),
  'output-sparse': (run) => fs.truncateSync(join(run, 'outputs/a.txt'), 1.9e9),
  'receipt-sparse': (run) => fs.truncateSync(join(run, 'receipt.json'), 1.9e9),
  'names': (run) => fs.writeFileSync(join(run, 'outputs', 'x\\n::add-mask::1\\n\\u001b[31m##[error]\\u202ey'), ''),
  'deep': () => first && deep(),
  'swap': (run) => setInterval(() => { try { instead(join(run, 'outputs'), join(host, '..')); fs.rmSync(join(run, 'outputs')); fs.mkdirSync(join(run, 'outputs')); } catch {} }, 1),
  'child': () => first && spawn('/bin/sh', ['-c', 'trap "" TERM; exec sleep 20'], { detached: true, stdio: ['ignore', 'inherit', 'inherit'] }).unref(),
  'flood': () => first && spawn('yes', ['x'.repeat(1000)], { stdio: ['ignore', 'inherit', 'inherit'] }),
};
const HASH = require('node:crypto').createHash('sha256').update('an answer').digest('hex');
const output = (path) => ({ path, mime: 'text/plain', size_bytes: 9, sha256: HASH });
const outputs = { 'output-above': ['../'.repeat(12) + String(host).slice(1)], 'output-absolute': [host], 'output-nul': ['a\\0b'], 'output-strange': [{ toString: 1 }],
  'output-long': ['x/'.repeat(100000) + 'x'], 'outputs-many': Array.from({ length: 20000 }, (_, at) => String(at)) }[kind] ?? ['a.txt'];
const answers = {
  'answer-endless': (response) => { response.writeHead(200); endlessly(response, Buffer.alloc(65536, 'x')); },
  'answer-deep': (response) => response.end('['.repeat(1e6) + ']'.repeat(1e6)),
  'answer-drips': (response) => { response.writeHead(200); setInterval(() => response.write(' '), 10); },
  'answer-never': () => {},
  'answer-escapes': (response) => response.writeHead(500).end('\\u001b]0;title\\u0007\\n::add-mask::1\\n##[error]\\u202e'),
};
process.on('SIGTERM', () => {});
http.createServer((request, response) => {
  if (request.url === '/healthz') return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ok: true, ref: 'test/reference@1', image_digest: process.env.IMAGE_DIGEST }));
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
    let body;
    // What the suite finds out by many runs at once is not what this is about.
    if (runtime.concurrency === 1) return response.writeHead(503).end('{}');
    try { body = JSON.parse(Buffer.concat(chunks)); } catch { return response.writeHead(400).end('{}'); }
    if (!/^(?:conformance|case)-[0-9]+$/.test(body.execution_id) || body.write_prefix !== 'runs/{execution_id}') return response.writeHead(400).end('{}');
    const run = join(root, 'runs', body.execution_id);
    const envelope = { status: 'success', execution_id: body.execution_id, outputs: outputs.map(output), index_path: 'runs/' + body.execution_id + '/outputs.json', meta: {} };
    fs.mkdirSync(join(run, 'outputs'), { recursive: true });
    fs.writeFileSync(join(run, 'outputs/a.txt'), 'an answer');
    fs.writeFileSync(join(run, 'outputs.json'), JSON.stringify({ outputs: envelope.outputs }));
    fs.writeFileSync(join(run, 'receipt.json'), '{}');
    files[kind]?.(run);
    first = false;
    if (answers[kind]) return answers[kind](response);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(envelope));
  });
}).listen(Number(process.env.PORT), '0.0.0.0');
`;

import { execFileSync } from 'node:child_process';
import { copyFileSync, linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ImageRunConfig } from '@pinlane/contracts';
import { temporaryFolder } from '@pinlane/testing';

const place = (file: string, target: string): void => {
  mkdirSync(dirname(target), { recursive: true });
  try {
    linkSync(file, target);
  } catch {
    copyFileSync(file, target);
  }
};

/** A root file system that holds this Node, the libraries it needs and one program. */
export const makeRootfs = (program: string): string => {
  const rootfs = join(temporaryFolder('rootfs'), 'rootfs');
  for (const name of ['app', 'artifacts', 'dev', 'proc', 'tmp']) mkdirSync(join(rootfs, name), { recursive: true });
  place(process.execPath, join(rootfs, 'usr/bin/node'));
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).match(/\/[^\s)]+/g) ?? [];
  // ldd names the place; what stands there may be a link, of which the image needs the file.
  for (const library of libraries) copyFileSync(library, (mkdirSync(join(rootfs, dirname(library)), { recursive: true }), join(rootfs, library)));
  writeFileSync(join(rootfs, 'app/main.cjs'), program);
  return rootfs;
};

export const IMAGE: ImageRunConfig = { Env: ['FROM_IMAGE=yes'], Entrypoint: ['node', '/app/main.cjs'], WorkingDir: '/app', User: '1000:1000' };

/** Tells over HTTP what it sees, obeys SIGTERM with exit code 7, and logs to both streams. */
export const MIRROR = `
const fs = require('node:fs'), http = require('node:http');
const attempt = (work) => { try { return work() ?? 'done'; } catch (error) { return error.code; } };
const report = () => ({
  env: process.env, uid: process.getuid(), gid: process.getgid(), pid: process.pid, cwd: process.cwd(), root: fs.readdirSync('/').sort(),
  writeRoot: attempt(() => fs.writeFileSync('/app/written', '')), writeTmp: process.env.MARK && attempt(() => fs.writeFileSync('/tmp/' + process.env.MARK, '')),
  writeArtifacts: attempt(() => fs.writeFileSync(process.env.ARTIFACTS_ROOT + '/written.txt', 'by the processor')),
  devNull: attempt(() => fs.writeFileSync('/dev/null', 'x')), devMode: (fs.statSync('/dev').mode & 0o7777).toString(8),
  processes: attempt(() => fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).length),
  capabilities: attempt(() => fs.readFileSync('/proc/self/status', 'utf8').match(/CapEff:\\s*(\\S+)/)[1]),
});
process.on('SIGTERM', () => { process.stderr.write('terminating\\n'); setTimeout(() => process.exit(7), 20); });
process.stdout.write('to stdout\\n'); process.stderr.write('to stderr\\n');
http.createServer((request, response) => {
  let size = 0;
  request.on('data', (chunk) => { size += chunk.length; }).on('end', () => {
    if (request.url === '/healthz') response.end('{}');
    else if (request.url === '/size') response.end(String(size));
    else if (request.url === '/early') { response.writeHead(413).end('too much'); }
    else response.end(JSON.stringify(report()));
  });
}).listen(Number(process.env.PORT), '0.0.0.0');
`;

/**
 * A processor as far as /healthz tells: it says which digest it is. It ends when it is asked for /crash, takes a second and a half for /slow, finishes what it
 * has begun when it is to end, and tells its secret to its log.
 */
export const HEALTHY = `
const http = require('node:http');
console.log('key ' + process.env.API_KEY);
const server = http.createServer((request, response) => {
  if (request.url === '/crash') process.exit(3);
  const answer = () => response.end(JSON.stringify({ ok: true, image_digest: process.env.IMAGE_DIGEST, pid: process.pid }));
  if (request.url === '/slow') setTimeout(answer, 1500);
  else answer();
}).listen(Number(process.env.PORT), '0.0.0.0');
process.on('SIGTERM', () => server.close(() => process.exit(0)));
`;

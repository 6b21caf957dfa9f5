// The registry that every tool of the comparison pushes to: Docker's if it is installed, else our own store, served.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ACCEPT = ['oci.image.index.v1', 'oci.image.manifest.v1', 'docker.distribution.manifest.list.v2', 'docker.distribution.manifest.v2'];

/** It remembers what blobs it has, as in Docker's own image of it; a line for each request would take processor time from what is measured. */
const configOf = (folder) => `version: 0.1
log: { accesslog: { disabled: true } }
storage:
  cache: { blobdescriptor: inmemory }
  filesystem: { rootdirectory: ${folder}/data }
http: { addr: "127.0.0.1:0" }
`;

/** The address that a registry listens on, from its log. */
const addressIn = async (log, child) => {
  for (let wait = 0; wait < 200; wait++) {
    const text = readFileSync(log, 'utf8');
    const [, host] = /listening on (?:http:\/\/)?(127\.0\.0\.1:\d+)/.exec(text) ?? [];
    if (host) return host;
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the registry ended with ${child.exitCode}\n${text.slice(-2000)}`);
    await sleep(50);
  }
  throw new Error('the registry does not say where it listens');
};

/** Starts a registry with its files in a folder: the program `docker-registry`, or the script that serves a store if the program is null. */
export const startRegistry = async (folder, program, script) => {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'registry.yml');
  writeFileSync(config, configOf(folder));
  const argv = program ? [program, 'serve', config] : [process.execPath, script, join(folder, 'store')];
  // The log goes to a file, because reading thousands of lines from a pipe would take CPU time from what is measured.
  const log = join(folder, 'log');
  const into = openSync(log, 'a');
  // A registry is another machine. Here it has the same cores as what is measured, and may take memory so that it takes less of them.
  const env = { ...process.env, OTEL_TRACES_EXPORTER: 'none', GOGC: '800' };
  const child = spawn(argv[0], argv.slice(1), { env, stdio: ['ignore', into, into] });
  closeSync(into);
  // The registry ends with the bench, however that ends.
  process.once('exit', () => child.kill('SIGKILL'));
  const host = await addressIn(log, child);
  return { host, name: program ? 'docker-registry' : "the workspace's own store, served", stop: () => child.kill('SIGTERM') };
};

/** The digest of what a tag names, computed from its bytes, and those of its platforms, which are what pins name. */
export const digestsOf = async (host, repository, tag) => {
  const accept = ACCEPT.map((type) => `application/vnd.${type}+json`).join(', ');
  const response = await fetch(`http://${host}/v2/${repository}/manifests/${tag}`, { headers: { accept } });
  if (!response.ok) throw new Error(`${repository}:${tag} is not in the registry: ${response.status}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const whole = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const { manifests } = JSON.parse(bytes.toString());
  return { whole, platforms: manifests ? manifests.map(({ digest }) => digest).sort() : [whole] };
};

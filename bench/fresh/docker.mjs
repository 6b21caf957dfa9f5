// A Docker of the bench's own, whose caches are empty: nothing of another one is used or removed. Needs root.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { answers, installed } from '../programs.mjs';

/** What keeps this machine from starting one; undefined if nothing does. */
export const lackOfDocker = () => {
  if (process.getuid?.() !== 0) return 'not root';
  const lack = ['docker', 'dockerd'].find((program) => !installed(program));
  if (lack !== undefined) return `no ${lack}`;
  return answers(['docker', 'buildx', 'version']) ? undefined : 'no docker buildx';
};

/** Starts one with its state below a folder. It has no network, which copying files into an image does not need. */
export const startDocker = async (folder) => {
  mkdirSync(folder, { recursive: true });
  const at = (name) => join(folder, name);
  writeFileSync(at('daemon.json'), '{"features":{"containerd-snapshotter":true}}\n');
  const DOCKER_HOST = `unix://${at('socket')}`;
  const options = ['--config-file', at('daemon.json'), '--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid'), '-H', DOCKER_HOST];
  const log = openSync(at('log'), 'a');
  const child = spawn('dockerd', [...options, '--bridge=none', '--iptables=false', '--ip6tables=false'], { stdio: ['ignore', log, log] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const env = { DOCKER_HOST, BUILDX_CONFIG: at('buildx'), DOCKER_CONFIG: at('config') };
  const isUp = () => {
    try {
      return execFileSync('docker', ['info', '--format', '{{.ServerVersion}}'], { env: { ...process.env, ...env }, stdio: 'pipe' }).length > 1;
    } catch {
      return false;
    }
  };
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  for (let wait = 0; !isUp(); wait++) {
    if (wait > 100 || child.exitCode !== null) {
      await stop();
      throw new Error(`dockerd did not start\n${readFileSync(at('log'), 'utf8').slice(-2000)}`);
    }
    await sleep(100);
  }
  const containerd = Number(readFileSync(at('exec/containerd/containerd.pid'), 'utf8'));
  return { env, pids: [child.pid, containerd], stop };
};

import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ModalDeployment, PythonClient } from '@pinlane/adapters';
import { modalPython } from '@pinlane/testing';
import { standInEnvironment, type ContainerPlan, type ModalStandIn } from '@pinlane/testing/modal';

/** The digest of two hexadecimal digits, said over and over. */
export const digestOf = (hex: string): string => `sha256:${hex.repeat(32)}`;

/** A container that tells what it was started from. */
export const startEcho = async ({ reference, environment, arguments: command }: ContainerPlan) => {
  const told = JSON.stringify({ reference, environment: Object.fromEntries(environment), command });
  const server = createServer((_, response) => response.end(told));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => server.close() };
};

/** A Python that writes down with which arguments it was started, and with which environment. */
export const watchedPython = (folder: string, more = '') => {
  const [program, log] = [join(folder, 'python'), join(folder, 'seen')];
  writeFileSync(log, '');
  writeFileSync(
    program,
    `#!/bin/sh\n{ tr '\\0' ' ' </proc/$$/cmdline; echo; } >>'${log}'\nenv | sed 's/=.*//' | sort | tr '\\n' ' ' >'${log}-env'\n${more}\nexec '${modalPython()}' "$@"\n`,
  );
  chmodSync(program, 0o755);
  return { program, seen: () => readFileSync(log, 'utf8'), environment: () => readFileSync(`${log}-env`, 'utf8') };
};

/** A client of a stand-in, in an environment that holds more than a client may see. */
export const clientOf = (standIn: ModalStandIn, python = modalPython(), more: Partial<PythonClient> = {}): PythonClient => ({
  python,
  env: { PATH: process.env['PATH'], ...standInEnvironment(standIn), OPENAI_API_KEY_STAGING: 'a-value-of-the-callers', MODAL_FORCE_BUILD: '1' },
  environment: 'staging',
  signal: new AbortController().signal,
  ...more,
});

/** A deployment of acme/echo. */
export const deploymentOf = (hex: string, more: Partial<ModalDeployment> = {}): ModalDeployment => ({
  slug: 'acme-echo',
  app: 'acme-echo-v1',
  reference: `ghcr.io/acme/echo@${digestOf(hex)}`,
  digest: digestOf(hex),
  settings: {
    port: 8000,
    scaling: { min: 0, max: 4, idleSeconds: 300 },
    region: null,
    proxyAuth: true,
    resources: { cpu: 0.5, memoryGb: 0.5, gpu: null },
    timeoutSeconds: 600,
    concurrency: 4,
    secrets: { required: [], optional: [] },
  },
  secrets: new Map(),
  registrySecret: null,
  ...more,
});

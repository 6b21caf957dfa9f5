import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createModalHosting, type ModalHostingOptions } from '@pinlane/adapters';
import { parsePinnedReference } from '@pinlane/contracts';
import type { DeploymentPlan, HostingIo, HostingPlatform } from '@pinlane/pipeline';
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
export const watchedPython = (folder: string, { more = '', python = modalPython() } = {}) => {
  const [program, log] = [join(folder, 'python'), join(folder, 'seen')];
  writeFileSync(log, '');
  writeFileSync(
    program,
    `#!/bin/sh\n{ tr '\\0' ' ' </proc/$$/cmdline; echo; } >>'${log}'\nenv | sed 's/=.*//' | sort | tr '\\n' ' ' >'${log}-env'\n${more}\nexec '${python}' "$@"\n`,
  );
  chmodSync(program, 0o755);
  return { program, seen: () => readFileSync(log, 'utf8'), environment: () => readFileSync(`${log}-env`, 'utf8') };
};

/** The adapter, with a stand-in behind it and in an environment that holds more than a client may see. */
export const hostingOf = (standIn: ModalStandIn, folder: string, { env = {}, ...more }: Partial<ModalHostingOptions> = {}): HostingPlatform =>
  createModalHosting({
    python: standIn.python,
    folder,
    commandOf: async () => ['serve', '--now'],
    ...more,
    env: {
      PATH: process.env['PATH'],
      ...standInEnvironment(standIn),
      MODAL_PROXY_KEY: standIn.proxyToken.key,
      MODAL_PROXY_SECRET: standIn.proxyToken.secret,
      OPENAI_API_KEY_STAGING: 'a-value-of-the-callers',
      MODAL_FORCE_BUILD: '1',
      ...env,
    },
  });

/** How the work of a test is told, to nobody, and broken off. */
export const ioOf = (signal = new AbortController().signal): HostingIo => ({ progress: () => {}, signal });

/** Where acme/echo is deployed. */
export const PLACE = { environment: 'staging', app: 'acme-echo-v1' } as const;

/** A plan for acme/echo. */
export const planOf = (hex: string, more: Partial<DeploymentPlan> = {}): DeploymentPlan => ({
  ref: 'acme/echo@1' as DeploymentPlan['ref'],
  slug: 'acme-echo',
  place: PLACE,
  image: parsePinnedReference(`ghcr.io/acme/echo@${digestOf(hex)}`),
  platform: 'linux/amd64',
  settings: {
    port: 8000,
    scaling: { min: 0, max: 4, idleSeconds: 300 },
    region: null,
    proxyAuth: true,
    resources: { cpu: 0.5, memoryGb: 0.3, gpu: null },
    timeoutSeconds: 600,
    concurrency: 4,
    secrets: { required: [], optional: [] },
  },
  expected: {},
  secret: null,
  env: {},
  ...more,
});

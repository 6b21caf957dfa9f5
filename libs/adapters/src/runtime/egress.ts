import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { NetworkTarget, NetworkView, RunningProcessor } from '@pinlane/contracts';
import { observeNetwork } from './observe-network.ts';

/** What a probe of the network found. */
export interface EgressProbe {
  readonly blocked: boolean;
  /** Why the network does not count as blocked; empty if it does. */
  readonly reasons: readonly string[];
}

/** This machine's addresses without loopback, and without link-local ones, which need a zone and tell nothing more. */
const ownAddresses = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address);

/**
 * Decides from two views whether a network is blocked. A canary that this machine itself can't reach proves nothing, so
 * at least one must have been reached from here.
 */
export const judgeEgress = (here: NetworkView, there: NetworkView): EgressProbe => {
  const controls = here.targets.filter(({ reached }) => reached);
  const seen = there.targets.filter(({ reached, host, port }) => reached && controls.some((control) => control.host === host && control.port === port));
  const beyond = there.interfaces.filter((name) => name !== 'lo');
  const reasons = [
    ...(controls.length === 0 ? ['the canary could not be reached from this machine either, so nothing is proven'] : []),
    ...(there.sameNamespace ? [] : ['the probe did not run in the network of the processor']),
    ...seen.map(({ host }) => `it reached a canary on ${host}`),
    ...beyond.map((name) => `it has the network interface ${name}`),
    ...there.routes.map((route) => `it has the route ${route}`),
  ];
  return { blocked: reasons.length === 0, reasons };
};

/**
 * Tries to leave the network of a running processor. Only this machine's own addresses are contacted: canaries of ours on
 * loopback and on every other address of this machine.
 */
export const probeEgress = async (running: RunningProcessor): Promise<EgressProbe> => {
  const open = async (host: string) => {
    const server = createServer((socket) => socket.destroy());
    server.listen(0, host);
    await once(server, 'listening');
    return server;
  };
  const hosts = ['127.0.0.1', ...ownAddresses()];
  const opened = await Promise.allSettled(hosts.map(open));
  const servers = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  try {
    const targets = servers.map((server): NetworkTarget => {
      const { address, port } = server.address() as AddressInfo;
      return { host: address, port };
    });
    const here = await observeNetwork(targets, null);
    return judgeEgress(here, await running.observeNetwork(targets));
  } finally {
    for (const server of servers) server.close();
  }
};

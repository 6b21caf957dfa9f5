import { createServer } from 'node:net';
import type { Problem } from '@pinlane/contracts';
import type { ContainerState, PublishedPort } from './services.ts';

/** Whether something else listens at a port of this machine. */
const isTaken = ({ host, port }: PublishedPort): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'EADDRINUSE'));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(false)));
  });

/** The problem of a port that somebody else has. */
export const takenProblem = ({ what, host, port, variable }: PublishedPort): Problem => ({
  code: 'ERR_PORT_TAKEN',
  message: `${what} is to be found at ${host}:${port}, where something else listens`,
  fix: `End that, or choose another port: ${variable}=${port + 10_000 > 65_535 ? port - 10_000 : port + 10_000} in .env.local or the environment.`,
});

/** The ports that others have; those of containers of the stack that run are its own. */
export const takenPorts = async (ports: readonly PublishedPort[], states: readonly ContainerState[]): Promise<PublishedPort[]> => {
  const running = new Set(states.filter(({ state }) => state === 'running').map(({ service }) => service));
  const others = ports.filter(({ service }) => !running.has(service));
  const taken = await Promise.all(others.map(isTaken));
  return others.filter((_, at) => taken[at]);
};

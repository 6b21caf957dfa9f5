import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask, type Answer } from '@pinlane/adapters';
import { fail, plainText, redactText } from '@pinlane/contracts';
import { containerStates, publishedPorts, type ContainerState, type PublishedPort } from './services.ts';

const FILE = fileURLToPath(new URL('../compose.yaml', import.meta.url));
const LOOK_MS = 60_000;
/** Images may have to be fetched. */
const UP_MS = 30 * 60_000;

/** What the commands of the stack ask Docker Compose. */
export interface Compose {
  /** The ports as they are configured. @throws ERR_OPTION_INVALID if the configuration can't be read */
  readonly ports: () => Promise<PublishedPort[]>;
  /** @throws ERR_ADAPTER */
  readonly states: () => Promise<ContainerState[]>;
  /** Boots all and waits for their health; what Compose wrote if that fails, else null. */
  readonly up: () => Promise<string | null>;
  /** @throws ERR_ADAPTER */
  readonly down: (volumes: boolean) => Promise<void>;
}

/** What Compose says of its progress is no reason. */
const PROGRESS = /^ *(?:Network|Volume|Container|Image) \S+ +(?:Creating|Created|Starting|Started|Waiting|Healthy|Running|Pulling|Pulled|Recreate\w*)\b/;

const lastLines = (text: string): string =>
  text
    .trim()
    .split('\n')
    .filter((line) => !PROGRESS.test(line))
    .slice(-12)
    .join('\n');

const saidBy = ({ stderr, stdout, fault }: Answer): string =>
  plainText(redactText(lastLines(stderr) || lastLines(stdout) || (fault === 'late' ? 'it took too long' : fault) || 'it ended with an error'));

/**
 * Opens Docker Compose, by `docker compose`.
 * @throws ERR_TOOL_MISSING if there is no docker, or none with Compose; ERR_ENGINE_UNAVAILABLE if no Docker answers
 */
export const openCompose = async (root: string, env: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<Compose> => {
  const docker = (args: readonly string[], timeoutMs = LOOK_MS): Promise<Answer> =>
    ask({ command: 'docker', args, cwd: root, env, timeoutMs, maxBytes: 16 * 1024 * 1024, group: true, signal }).then((answer) =>
      answer.fault === 'aborted' ? fail('ERR_CANCELLED', 'docker was interrupted') : answer,
    );
  const version = await docker(['compose', 'version', '--short']);
  const install = 'Install Docker with its Compose plugin: https://docs.docker.com/compose/install, or apt-get install docker.io docker-compose.';
  if (version.fault === 'missing') fail('ERR_TOOL_MISSING', 'docker is not installed, or not on PATH', { fix: install });
  if (version.exitCode !== 0 || !/^v?[2-9]|^v?\d\d/.test(version.stdout.trim()))
    fail('ERR_TOOL_MISSING', `docker has no Compose of version 2 or newer: ${saidBy(version)}`, { fix: install });
  const server = await docker(['version', '--format', '{{.Server.Version}}']);
  if (server.exitCode !== 0) fail('ERR_ENGINE_UNAVAILABLE', `no Docker answers: ${saidBy(server)}`, { fix: 'Start Docker, or name it with DOCKER_HOST.' });

  const dotenv = join(root, '.env');
  const compose = (args: readonly string[], timeoutMs?: number): Promise<Answer> =>
    docker(['compose', '--ansi=never', '--file', FILE, ...(existsSync(dotenv) ? ['--env-file', dotenv] : []), ...args], timeoutMs);
  const must = async (args: readonly string[], timeoutMs?: number): Promise<string> => {
    const answer = await compose(args, timeoutMs);
    return answer.exitCode === 0 ? answer.stdout : fail('ERR_ADAPTER', `docker compose ${args[0]}: ${saidBy(answer)}`);
  };
  return {
    ports: async () => {
      const answer = await compose(['config', '--format', 'json']);
      if (answer.exitCode === 0) return publishedPorts(answer.stdout);
      return fail('ERR_OPTION_INVALID', `the configuration of the stack can not be read: ${saidBy(answer)}`, {
        fix: 'Mend the variables STACK_… in .env, .env.local or the environment.',
      });
    },
    states: async () => containerStates(await must(['ps', '--all', '--format', 'json'])),
    up: async () => {
      const answer = await compose(['up', '--detach', '--wait', '--quiet-pull', '--remove-orphans'], UP_MS);
      if (answer.exitCode === 0) return null;
      const ill = containerStates(await must(['ps', '--all', '--format', 'json'])).filter(({ health }) => health !== 'healthy');
      if (ill.length === 0) return saidBy(answer);
      const logs = await compose(['logs', '--no-color', '--tail=8', ...ill.map(({ service }) => service)]);
      return `${saidBy(answer)}\n${plainText(lastLines(logs.stdout))}`.trim();
    },
    down: async (volumes) => void (await must(['down', '--remove-orphans', ...(volumes ? ['--volumes'] : [])], UP_MS)),
  };
};

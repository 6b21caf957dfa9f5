import { fail, PinlaneError, type Problem } from '@pinlane/contracts';
import { openCompose } from './compose.ts';
import { takenPorts, takenProblem } from './ports.ts';
import { statusTable, type PublishedPort } from './services.ts';

/** What a command may know of the world. */
export interface StackContext {
  /** The workspace's root. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

const COMMANDS = ['up', 'down', 'status'] as const;

/** Whether Docker is on this machine, as far as its address tells: ports of another one can't be looked at. */
const isHere = (env: StackContext['env']): boolean => !/^(?:tcp|ssh|https?):/.test(env['DOCKER_HOST'] ?? '');

/** @throws ERR_PORT_TAKEN for all of some ports at once */
const refuse = (taken: readonly PublishedPort[]): never => {
  throw new PinlaneError(taken.map(takenProblem) as [Problem, ...Problem[]]);
};

const up = async ({ root, env, signal, say }: StackContext): Promise<void> => {
  const compose = await openCompose(root, env, signal);
  const [ports, states] = await Promise.all([compose.ports(), compose.states()]);
  const taken = isHere(env) ? await takenPorts(ports, states) : [];
  if (taken.length > 0) refuse(taken);
  say('booting postgres, redis and minio; the first time, their images are fetched');
  const failed = await compose.up();
  if (failed !== null) {
    const stolen = ports.filter(({ port }) => new RegExp(`:${port}\\b.*(?:already allocated|already in use)`).test(failed));
    if (stolen.length > 0) refuse(stolen);
    fail('ERR_ADAPTER', `docker compose up: ${failed}`, { fix: 'See what a service says: docker compose --file tools/stack/compose.yaml logs.' });
  }
  for (const line of statusTable(await compose.states(), ports)) say(line);
};

const down = async (volumes: boolean, { root, env, signal, say }: StackContext): Promise<void> => {
  await (await openCompose(root, env, signal)).down(volumes);
  say(volumes ? 'the stack is down, and its data is gone' : 'the stack is down; its data stays for the next time (--volumes removes it)');
};

const status = async ({ root, env, signal, say }: StackContext): Promise<void> => {
  const compose = await openCompose(root, env, signal);
  const [ports, states] = await Promise.all([compose.ports(), compose.states()]);
  for (const line of statusTable(states, ports)) say(line);
};

/**
 * Carries a command out.
 * @param args `up`, `down` with `--volumes` or without, or `status`
 * @throws ERR_OPTION_INVALID, ERR_TOOL_MISSING, ERR_ENGINE_UNAVAILABLE, ERR_PORT_TAKEN, ERR_ADAPTER, ERR_CANCELLED
 */
export const runStack = async ([command, ...options]: readonly string[], context: StackContext): Promise<void> => {
  const volumes = options.some((option) => option === '--volumes' || option === '--volumes=true');
  const unknown = options.find((option) => !/^--volumes(?:=(?:true|false))?$/.test(option) || command !== 'down');
  if (!COMMANDS.some((each) => each === command) || unknown !== undefined)
    fail('ERR_OPTION_INVALID', `the stack knows up, down [--volumes] and status, and no ${unknown ?? command ?? 'command without a name'}`, {
      fix: 'Run npx nx run stack:up, stack:down or stack:status.',
    });
  if (command === 'up') return up(context);
  return command === 'down' ? down(volumes, context) : status(context);
};

import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { errorOf, temporaryFolder } from '@pinlane/testing';
import { runStack } from '../../src/stack.ts';

/** A docker that answers by what it is asked, in place of a real one. */
const fakeDocker = (cases: string): Readonly<Record<string, string>> => {
  const folder = temporaryFolder('stack-docker');
  writeFileSync(join(folder, 'docker'), `#!/bin/sh\ncase "$*" in\n${cases}\n*) exit 0 ;;\nesac\n`, { mode: 0o755 });
  return { PATH: `${folder}:/usr/bin:/bin` };
};
const VERSION = "*'compose version'*) echo 2.26.1 ;;\n*'version --format'*) echo 26.1 ;;";
const config = (port: number): string =>
  `*' config '*) echo '{"services":{"redis":{"ports":[{"target":6379,"published":"${port}","host_ip":"127.0.0.1"}]}}}' ;;`;

const run = async (args: readonly string[], env: Readonly<Record<string, string>>): Promise<string[]> => {
  const lines: string[] = [];
  await runStack(args, { root: temporaryFolder('stack'), env, signal: new AbortController().signal, say: (line) => void lines.push(line) });
  return lines;
};

let listener: Server | undefined;
afterEach(() => void listener?.close());
const listen = async (): Promise<number> => {
  listener = createServer();
  await new Promise<void>((resolve) => listener!.listen(0, '127.0.0.1', resolve));
  return (listener.address() as AddressInfo).port;
};

describe('the stack', () => {
  it.each<[string, Readonly<Record<string, string>>, string, RegExp]>([
    ['there is no docker', { PATH: '/nowhere' }, 'ERR_TOOL_MISSING', /docker is not installed/],
    [
      'docker has no Compose',
      fakeDocker('*) echo "docker: \'compose\' is not a docker command" >&2; exit 1 ;;'),
      'ERR_TOOL_MISSING',
      /no Compose of version 2.*is not a docker command/s,
    ],
    ['Compose is the old one', fakeDocker('*) echo 1.29.2 ;;'), 'ERR_TOOL_MISSING', /no Compose of version 2/],
    [
      'no daemon answers',
      fakeDocker("*'compose version'*) echo 2.26.1 ;;\n*) echo 'Cannot connect to the Docker daemon' >&2; exit 1 ;;"),
      'ERR_ENGINE_UNAVAILABLE',
      /no Docker answers: Cannot connect/,
    ],
    [
      'its configuration is wrong',
      fakeDocker(`${VERSION}\n*' config '*) echo 'Invalid hostPort: abc' >&2; exit 1 ;;`),
      'ERR_OPTION_INVALID',
      /Invalid hostPort: abc/,
    ],
  ])('says what to do where %s', async (_, env, code, message) => {
    const { problems } = await errorOf(() => run(['up'], env));
    expect(problems).toMatchObject([{ code, message: expect.stringMatching(message), fix: expect.any(String) }]);
  });

  it('names the port that something else listens at, and the variable to change', async () => {
    const port = await listen();
    const { problems } = await errorOf(() => run(['up'], fakeDocker(`${VERSION}\n${config(port)}`)));
    expect(problems).toMatchObject([
      {
        code: 'ERR_PORT_TAKEN',
        message: expect.stringContaining(`Redis is to be found at 127.0.0.1:${port}`),
        fix: expect.stringContaining('STACK_REDIS_PORT='),
      },
    ]);
  });

  it('does not take its own container for somebody else', async () => {
    const port = await listen();
    const running = `*' ps '*) echo '{"Service":"redis","State":"running","Health":"healthy","Image":"r"}' ;;`;
    expect((await run(['up'], fakeDocker(`${VERSION}\n${config(port)}\n${running}`))).at(-2)).toMatch(/^redis +running +healthy/);
  });

  it('names the port also where Docker finds it taken', async () => {
    const up = "*' up '*) echo 'Bind for 127.0.0.1:6399 failed: port is already allocated' >&2; exit 1 ;;";
    const { problems } = await errorOf(() => run(['up'], fakeDocker(`${VERSION}\n${config(6399)}\n${up}`)));
    expect(problems).toMatchObject([{ code: 'ERR_PORT_TAKEN', fix: expect.stringContaining('STACK_REDIS_PORT=16399') }]);
  });

  it('says why a service did not become healthy, by its log', async () => {
    const ill = `*' up '*) echo ' Container x  Started\ncontainer x is unhealthy' >&2; exit 1 ;;\n*' ps '*) echo '{"Service":"redis","State":"running","Health":"unhealthy"}' ;;\n*' logs '*) printf 'redis-1 | no \\033[2Kmemory' ;;`;
    const { problems } = await errorOf(() => run(['up'], fakeDocker(`${VERSION}\n${config(6399)}\n${ill}`)));
    expect(problems).toMatchObject([{ code: 'ERR_ADAPTER', message: 'docker compose up: container x is unhealthy\nredis-1 | no \\x1b[2Kmemory' }]);
  });

  it.each([[['down', '--volume']], [['up', '--volumes']], [['start']], [[]]])('refuses %j', async (args) => {
    expect(await errorOf(() => run(args, { PATH: '/nowhere' }))).toMatchObject({ code: 'ERR_OPTION_INVALID' });
  });

  it.each([
    [['down'], / down --remove-orphans$/m],
    [['down', '--volumes'], / down --remove-orphans --volumes$/m],
    [['down', '--volumes=true'], / down --remove-orphans --volumes$/m],
    [['down', '--volumes=false'], / down --remove-orphans$/m],
  ])('%j asks Compose for exactly that', async (args, asked) => {
    const log = join(temporaryFolder('stack-log'), 'log');
    await run(args, fakeDocker(`${VERSION}\n*' down '*) echo "$*" > ${log} ;;`));
    const { readFileSync } = await import('node:fs');
    expect(readFileSync(log, 'utf8')).toMatch(asked);
  });
});

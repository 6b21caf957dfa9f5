import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { temporaryFolder } from '@pinlane/testing';

const plugin = resolve(import.meta.dirname, '../../..');
const repository = resolve(plugin, '../..');

/** What a command said and how it ended. */
export interface Ran {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, in the order in which they came. */
  readonly output: string;
}

/** A command that goes on until it is ended. */
export interface Started {
  /** Waits for it to say something; rejects where it ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  end(signal: NodeJS.Signals): Promise<Ran>;
}

/** A git repository with a small Nx workspace in it, which uses the plugin as it is built. */
export interface TestWorkspace {
  readonly root: string;
  nx(...args: string[]): Promise<Ran>;
  nxWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ran>;
  pinlane(...args: string[]): Promise<Ran>;
  /** The same; SIGTERM is sent when the signal aborts. */
  pinlaneUntil(terminate: AbortSignal, ...args: string[]): Promise<Ran>;
  pinlaneWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ran>;
  /** The same; SIGKILL is sent to it and to all of its process group when the signal aborts. */
  pinlaneKilled(kill: AbortSignal, env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ran>;
  /** Starts `nx` or `pinlane`; whoever starts it ends it. */
  start(what: 'nx' | 'pinlane', ...args: string[]): Started;
  git(...args: string[]): Promise<string>;
  /** Commits everything. */
  commit(message: string): Promise<void>;
  read(path: string): Promise<string>;
  write(files: Readonly<Record<string, string>>): Promise<void>;
  remove(path: string): Promise<void>;
}

const run = (command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv, end?: { on: AbortSignal; by: NodeJS.Signals }): Promise<Ran> =>
  new Promise((done, failed) => {
    // A runner that is killed takes with it what it started.
    const whole = end?.by === 'SIGKILL';
    const child = spawn(command, args, { cwd, env, detached: whole, stdio: ['ignore', 'pipe', 'pipe'] });
    end?.on.addEventListener('abort', () => (whole ? process.kill(-child.pid!, end.by) : child.kill(end.by)));
    const said = { stdout: '', stderr: '', output: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        said[stream] += text;
        said.output += text;
      });
    child.on('error', failed).on('close', (exitCode) => done({ exitCode, ...said }));
  });

const startCommand = (command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Started => {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '', output: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
      said.output += text;
      child.emit('said');
    });
  const ended = new Promise<Ran>((done, failed) => child.on('error', failed).on('close', (exitCode) => done({ exitCode, ...said })));
  return {
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(said.output);
          if (match) resolve(match);
        };
        child.on('said', look).on('close', () => reject(new Error(`it ended: ${said.output}`)));
        look();
      }),
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
};

// Nothing of the run around the test may reach the workspace under test: neither its lane nor its Nx.
const cleanEnvironment = (root: string): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NX_|PINLANE_|NODE_OPTIONS|JEST_|CI$|GIT_)/.test(name))),
  PATH: `${join(repository, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}`,
  HOME: root,
  NX_DAEMON: 'false',
  NX_ISOLATE_PLUGINS: 'false',
  NX_CACHE_DIRECTORY: join(root, '.nx/cache'),
  NX_WORKSPACE_DATA_DIRECTORY: join(root, '.nx/workspace-data'),
  NX_NO_CLOUD: 'true',
  NX_TUI: 'false',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.org',
});

const processor = (name: string, shared: boolean): Record<string, string> => {
  const root = `processors/acme-${name}`;
  const use = shared ? `import { shared } from '../../../libs/shared/src/index.ts';\nconsole.log('${name}', shared);\n` : `console.log('${name}');\n`;
  return {
    [`${root}/registry.yaml`]: `# The ${name} processor.\nref: acme/${name}@1\n\nbuild: { context: ., dockerfile: Dockerfile, port: 8000 }\n`,
    [`${root}/Dockerfile`]:
      'ARG BASE_IMAGE=store.localhost/acme-base\nFROM ${BASE_IMAGE}\nWORKDIR /app\nCOPY dist/ ./\nCOPY registry.yaml ./\nUSER 1000:1000\nENTRYPOINT ["node", "/app/main.js"]\n',
    [`${root}/.dockerignore`]: '*\n!dist\n!registry.yaml\n',
    [`${root}/README.md`]: `# ${name}\n`,
    [`${root}/src/main.ts`]: use,
    [`${root}/tests/unit/main.spec.ts`]: '',
  };
};

const FILES: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "acme", "private": true, "type": "module" }\n',
  'nx.json': `${JSON.stringify(
    {
      analytics: false,
      defaultBase: 'main',
      plugins: ['@pinlane/nx'],
      // Nx reads imports only where it finds @nx/js among the dependencies, or is told to.
      pluginsConfig: { '@nx/js': { analyzeSourceFiles: true } },
      namedInputs: {
        default: ['{projectRoot}/**/*'],
        production: ['default', '!{projectRoot}/tests/**/*', '!{projectRoot}/**/*.md', '!{projectRoot}/registry.yaml'],
      },
    },
    null,
    2,
  )}\n`,
  '.gitignore': 'node_modules\ndist/\n.pinlane/\n.nx/\n',
  'libs/shared/project.json': '{ "name": "shared" }\n',
  'libs/shared/src/index.ts': "export const shared = 'one';\n",
  'libs/shared/README.md': '# shared\n',
  // The base: an image of its own, made of files alone, so that the test needs neither apt nor a registry.
  'processors/acme-base/registry.yaml': 'ref: acme/base@1\n',
  'processors/acme-base/Dockerfile': 'FROM scratch\nCOPY packages.txt /etc/packages.txt\n',
  'processors/acme-base/.dockerignore': '*\n!packages.txt\n',
  'processors/acme-base/packages.txt': 'libc6\n',
  ...processor('one', true),
  ...processor('two', true),
  ...processor('three', false),
};

/** Opens a workspace that is there already: a clone of one, which needs the packages of this repository beside it. */
export const openWorkspace = async (root: string): Promise<TestWorkspace> => {
  const environment = cleanEnvironment(root);
  const node = join(repository, 'node_modules/.bin/node');
  const command = join(plugin, 'bin/pinlane.mjs');
  const git = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, output } = await run('git', args, root, environment);
    if (exitCode !== 0) throw new Error(`git ${args.join(' ')}: ${output}`);
    return stdout.trim();
  };
  const nxWith: TestWorkspace['nxWith'] = (env, ...args) =>
    run(node, [join(root, 'node_modules/nx/dist/bin/nx.js'), ...args], root, { ...environment, ...env });
  return {
    root,
    git,
    nxWith,
    nx: (...args) => nxWith({}, ...args),
    pinlane: (...args) => run(node, [command, ...args], root, environment),
    pinlaneUntil: (terminate, ...args) => run(node, [command, ...args], root, environment, { on: terminate, by: 'SIGTERM' }),
    pinlaneWith: (env, ...args) => run(node, [command, ...args], root, { ...environment, ...env }),
    pinlaneKilled: (kill, env, ...args) => run(node, [command, ...args], root, { ...environment, ...env }, { on: kill, by: 'SIGKILL' }),
    start: (what, ...args) => startCommand(node, [what === 'nx' ? join(root, 'node_modules/nx/dist/bin/nx.js') : command, ...args], root, environment),
    commit: async (message) => {
      await git('add', '--all');
      await git('commit', '--quiet', '--message', message);
    },
    read: (path) => readFile(join(root, path), 'utf8'),
    write: async (files) => {
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(root, path)), { recursive: true });
        await writeFile(join(root, path), text);
      }
    },
    remove: (path) => rm(join(root, path), { recursive: true, force: true }),
  };
};

/** Puts the packages of this repository into a workspace. */
export const linkPackages = (root: string): Promise<void> => symlink(join(repository, 'node_modules'), join(root, 'node_modules'));

/** Makes the workspace, in a temporary folder of that name, and runs `work` in it. */
export const withWorkspace = async (work: (workspace: TestWorkspace) => Promise<void>, name = 'ws'): Promise<void> => {
  const workspace = await openWorkspace(temporaryFolder(name));
  await workspace.write(FILES);
  await linkPackages(workspace.root);
  await workspace.git('init', '--quiet', '--initial-branch=main');
  await workspace.commit('first');
  await work(workspace);
};

// Others on the same fresh machine: `docker buildx bake` with a cache in the registry, and ko. Their sources are bundled already, as an image needs them.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { measure } from '../measure.mjs';
import { PATH } from '../programs.mjs';
import { write } from '../fleet.mjs';

const PLATFORMS = ['linux/amd64', 'linux/arm64'];

/** Writes what buildx builds: one target for each processor. */
const writeBake = (folder, { host, names, base }) => {
  const target = (name) => ({
    context: name,
    platforms: PLATFORMS,
    tags: [`${host}/buildx/${name}:1`],
    output: ['type=registry'],
    attest: ['type=provenance,disabled=true'],
    'cache-from': [`type=registry,ref=${host}/buildx/${name}:cache`],
    'cache-to': [`type=registry,ref=${host}/buildx/${name}:cache`],
  });
  for (const name of names) write(join(folder, name), { Dockerfile: `FROM ${base}\nWORKDIR /app\nCOPY app/ ./\nENTRYPOINT ["node", "/app/main.js"]\n` });
  const file = { group: { default: { targets: names } }, target: Object.fromEntries(names.map((name) => [name, target(name)])) };
  writeFileSync(join(folder, 'docker-bake.json'), JSON.stringify(file));
};

/** `docker buildx bake`. Its caches are filled by `first`; a sample gets a Docker that has none of its own. */
export const buildxPeer = ({ folder, host, names, makeBase, base, registry }) => {
  const edit = (name, word) => write(join(folder, name), { 'app/main.js': `console.log('${name} ${word}');\n` });
  names.forEach((name) => edit(name, 'first'));
  const bake = async (targets, { env, pids }) => {
    await registry.take();
    const measured = await measure(['docker', 'buildx', 'bake', '-f', 'docker-bake.json', ...targets], {
      cwd: folder,
      env: { ...env, PATH, SOURCE_DATE_EPOCH: '0' },
      daemons: pids,
    });
    return { ...measured, traffic: await registry.take() };
  };
  writeBake(folder, { host, names, base });
  return {
    first: (docker) => bake(names, docker),
    sample: (scenario, word, docker) => {
      if (scenario === 'one line changed') edit(names[0], word);
      if (scenario === 'base changed') writeBake(folder, { host, names, base: makeBase().reference });
      return bake(scenario === 'one line changed' ? names.slice(0, 1) : names, docker);
    },
  };
};

const goMain = (word) =>
  `package main\n\nimport (\n\t"io"\n\t"net/http"\n)\n\nfunc main() {\n\thandler := func(response http.ResponseWriter, _ *http.Request) { io.WriteString(response, "${word}\\n") }\n\thttp.ListenAndServe(":8000", http.HandlerFunc(handler))\n}\n`;

/** `ko build`, with Go's own packages compiled in the folder `warm`, as a machine that has Go installed may have them; and nothing else. */
export const koPeer = ({ folder, warm, host, names, makeBase, base, registry }) => {
  const edit = (name, word) => write(join(folder, 'cmd', name), { 'main.go': goMain(`${name} ${word}`) });
  write(folder, { 'go.mod': 'module example.com/fleet\n\ngo 1.21\n' });
  [...names, 'other'].forEach((name) => edit(name, 'first'));
  let [current, caches] = [base, 0];
  const copyOfCache = () => {
    const cache = join(folder, `cache-${++caches}`);
    execFileSync('cp', ['-a', warm, cache]);
    return cache;
  };
  const build = async (targets, GOCACHE) => {
    await registry.take();
    const env = { PATH, KO_DOCKER_REPO: `${host}/ko`, KO_DEFAULTBASEIMAGE: current, GOCACHE, GOFLAGS: '-mod=mod' };
    const argv = ['ko', 'build', '--base-import-paths', '--sbom=none', '--platform', PLATFORMS.join(','), ...targets.map((name) => `./cmd/${name}`)];
    return { ...(await measure(argv, { cwd: folder, env })), traffic: await registry.take() };
  };
  return {
    first: async () => {
      if (!existsSync(warm)) {
        mkdirSync(warm, { recursive: true });
        await build(['other'], warm);
      }
      await build(names, copyOfCache());
    },
    sample: (scenario, word) => {
      if (scenario === 'one line changed') edit(names[0], word);
      if (scenario === 'base changed') current = makeBase().reference;
      return build(scenario === 'one line changed' ? names.slice(0, 1) : names, copyOfCache());
    },
  };
};

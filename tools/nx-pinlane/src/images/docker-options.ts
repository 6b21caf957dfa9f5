import { fail, quoted } from '@pinlane/contracts';
import * as z from 'zod';

const list = (what: string) =>
  z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe(what);
const pairs = (what: string) =>
  z
    .union([z.string(), z.array(z.string()), z.record(z.string(), z.string())])
    .optional()
    .describe(what);

/** Options about the image's names and labels, which every engine can carry out. */
const naming = {
  target: z
    .string()
    .optional()
    .describe("The Dockerfile's stage to build, in place of build.target in registry.yaml. On the command line of `nx run` say --stage: --target is Nx's own."),
  stage: z.string().optional().describe('The same as target, under a name that Nx leaves alone.'),
  labels: pairs('Labels of the image besides those of the Dockerfile and of Pinlane, as name=value or as an object. They become part of its digest.'),
  tags: list(
    "Names for people: a tag, or repository:tag of the image; {sha}, {branch} and {tag} are git's names of the commit. Set in the registry after a push, else in the store, and never believed.",
  ),
  load: z.boolean().optional().describe("Load the image for this machine's platform into Docker, under the tags, else as <slug>:latest."),
};

/** Options that Docker Buildx carries out; docker buildx build has them under these names. */
const building = {
  builder: z
    .string()
    .optional()
    .describe('The builder of `docker buildx ls`: docker-container, remote and kubernetes outgrow this machine. The one in use where absent.'),
  cacheFrom: list('Where BuildKit looks for a cache: type=registry,ref=…, type=gha, type=local,src=…'),
  cacheTo: list(
    'Where BuildKit writes a cache: type=registry,ref=…, type=gha, type=local,dest=… A cache that can not be written fails no build. Not in lanes that build fresh.',
  ),
  provenance: z
    .union([z.boolean(), z.string()])
    .optional()
    .describe('Attest how it was built: true, mode=min or mode=max. It changes the index on each build, and no platform.'),
  sbom: z.union([z.boolean(), z.string()]).optional().describe('Attest what is in it: true, or generator=<image>. It changes the index, and no platform.'),
  secret: list('Secrets that RUN --mount=type=secret may read: id=npm,env=NPM_TOKEN or id=npm,src=path. Names of them only, never a value.'),
  annotations: list('Annotations as [index:|manifest:]name=value; they become part of the digest.'),
  buildContexts: pairs(
    'More contexts for COPY --from and FROM: name=path, name=docker-image://… or name=oci-layout://… A folder counts by its path; name it in the inputs of buildx too.',
  ),
  ssh: list('SSH agents or keys that RUN --mount=type=ssh may use: default, or id=socket.'),
  network: z.string().optional().describe('The network of RUN: default, none or host.'),
  addHosts: list('Hosts that RUN can reach, as host:ip.'),
  allow: list('Entitlements: network.host, security.insecure.'),
  shmSize: z.string().optional().describe('The size of /dev/shm for RUN, such as 2g.'),
  ulimit: list('Limits for RUN, such as nofile=1024:1024.'),
  cgroupParent: z.string().optional().describe('The parent cgroup of RUN.'),
  noCacheFilter: list('Stages that are built without cache.'),
  pull: z.boolean().optional().describe('Ask for newer images than those that the builder holds. Tags in FROM are asked for anew in any case.'),
};

export const docker = { ...naming, ...building };

type Given = z.output<z.ZodObject<typeof docker>>;

const asList = (given: string | readonly string[] | Readonly<Record<string, string>> | undefined): string[] | undefined => {
  if (given === undefined || typeof given === 'string') return given === undefined ? undefined : [given];
  return Array.isArray(given) ? [...(given as readonly string[])] : Object.entries(given).map(([name, value]) => `${name}=${value}`);
};

/** The options of Docker's, lists as lists. */
export const dockerOptions = (given: Given) => ({
  builder: given.builder,
  cacheFrom: asList(given.cacheFrom),
  cacheTo: asList(given.cacheTo),
  provenance: given.provenance === undefined ? undefined : String(given.provenance),
  sbom: given.sbom === undefined ? undefined : String(given.sbom),
  secret: asList(given.secret),
  annotations: asList(given.annotations),
  buildContexts: asList(given.buildContexts),
  ssh: asList(given.ssh),
  network: given.network,
  addHosts: asList(given.addHosts),
  allow: asList(given.allow),
  shmSize: given.shmSize,
  ulimit: asList(given.ulimit),
  cgroupParent: given.cgroupParent,
  noCacheFilter: asList(given.noCacheFilter),
  pull: given.pull,
});

/** The entry of a record, unless it is one that readers of records lose. @throws ERR_OPTION_INVALID */
const entryOf = (option: string, name: string, value: string): [name: string, value: string] =>
  name === '__proto__' ? fail('ERR_OPTION_INVALID', `--${option}: an entry is named __proto__`, { fix: 'Choose another name.' }) : [name, value];

const labelOf = (text: string): [name: string, value: string] => {
  const at = text.indexOf('=');
  return at < 1 ? fail('ERR_OPTION_INVALID', `--labels: ${quoted(text)} is not name=value`) : entryOf('labels', text.slice(0, at), text.slice(at + 1));
};

/** Build arguments in every form in which Docker's other plugins take them. */
export const buildArgs = z
  .union([z.string(), z.array(z.string()), z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))])
  .optional()
  .describe(
    'Build arguments, as --buildArgs.NAME=value, as a list of NAME=value or as an object; they win over those of registry.yaml and become part of the image: nothing secret. What only looks like one is named in build.public_args of registry.yaml.',
  );

/** Build arguments by name. A name without a value is refused: it would mean a variable of this machine, which is in no fingerprint. @throws ERR_OPTION_INVALID */
export const buildArguments = (given: z.output<typeof buildArgs>): Record<string, string> =>
  Object.fromEntries(
    (asList(given) ?? []).map((text) => {
      const [, name, value] = /^([A-Za-z_][A-Za-z0-9_.-]*)=([^]*)$/.exec(text) ?? [];
      // It may be a secret that somebody wrote there by mistake, so it is not repeated.
      return name === undefined ? fail('ERR_OPTION_INVALID', '--buildArgs: an entry is not NAME=value') : entryOf('buildArgs', name, value ?? '');
    }),
  );

/** Names and labels that were asked for. @throws ERR_OPTION_INVALID */
export const namingOptions = (given: Given) => ({
  target: given.stage ?? given.target,
  labels: Object.fromEntries((asList(given.labels) ?? []).map(labelOf)),
  tags: (asList(given.tags) ?? []).flatMap((text) => text.split(',').map((tag) => tag.trim())).filter((tag) => tag !== ''),
  load: given.load === true,
});

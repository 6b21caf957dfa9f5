import { architectureOf, fail, type Platform } from '@pinlane/contracts';
import { describe, MANIFEST_LIMIT, OCI_CONFIG, OCI_MANIFEST, type Descriptor, type ImageExecution } from '../content/index.ts';
import { platformEntry } from '../image/index.ts';
import type { Layer } from '../layer/index.ts';
import type { Store } from '../store/index.ts';
import type { Execution } from './execution.ts';
import { listPorts } from './ports.ts';
import { EPOCH, type StageState } from './stage-state.ts';

/** A record with sorted keys. */
const sorted = <T>(entries: Iterable<readonly [string, T]>): Record<string, T> =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
/** A set as Docker writes it: an empty object for each name. */
const set = (names: Iterable<string>): Record<string, Record<string, never>> => sorted([...names].map((name) => [name, {}] as const));
const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** The `config` of an image's configuration (OCI image specification, config.md): keys in one order, and none whose value is empty. */
const executionOf = (execution: Execution, labels: Readonly<Record<string, string>>): ImageExecution => {
  const { user, ports, env, entrypoint, cmd, volumes, workingDirectory, stopSignal, shell, health } = execution;
  const exposed = listPorts(ports);
  const allLabels = new Map([...execution.labels, ...Object.entries(labels)]);
  return {
    ...(user === '' ? {} : { User: user }),
    ...(exposed.size === 0 ? {} : { ExposedPorts: set(exposed) }),
    ...(env.size === 0 ? {} : { Env: [...env.values()] }),
    ...(entrypoint === undefined || entrypoint.length === 0 ? {} : { Entrypoint: entrypoint }),
    ...(cmd === undefined || cmd.length === 0 ? {} : { Cmd: cmd }),
    ...(volumes.size === 0 ? {} : { Volumes: set(volumes) }),
    WorkingDir: workingDirectory,
    ...(allLabels.size === 0 ? {} : { Labels: sorted(allLabels) }),
    ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
    ...(health === undefined ? {} : { Healthcheck: health }),
    ...(shell === undefined ? {} : { Shell: shell }),
  };
};

const tooLarge = (): never =>
  fail('ERR_DOCKERFILE_SYNTAX', `the variables, labels and commands of the image make a config of more than ${MANIFEST_LIMIT} bytes, which no registry takes`, {
    fix: 'Put what is long into a file of the image.',
  });

/** Refuses a config that nobody would read. Its values are measured first, since they may be too long to be one text. @throws ERR_DOCKERFILE_SYNTAX */
const configBytes = (config: { readonly config: ImageExecution } & Readonly<Record<string, unknown>>): Uint8Array => {
  const { Env, Labels } = config.config;
  if ([...(Env ?? []), ...Object.values(Labels ?? {})].reduce((sum, value) => sum + value.length, 0) > MANIFEST_LIMIT) return tooLarge();
  const bytes = bytesOf(config);
  return bytes.length > MANIFEST_LIMIT ? tooLarge() : bytes;
};

/** Writes config and manifest of one platform, whose layers are in the store. `labels` override the Dockerfile's. */
export const writePlatformImage = async (
  store: Store,
  platform: Platform,
  state: StageState,
  layers: readonly Layer[],
  labels: Readonly<Record<string, string>>,
): Promise<Descriptor> => {
  const config = configBytes({
    created: EPOCH,
    ...(state.author === undefined ? {} : { author: state.author }),
    architecture: architectureOf(platform),
    os: 'linux',
    ...state.system,
    config: executionOf(state.execution, labels),
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: state.history,
  });
  const configDescriptor = describe(OCI_CONFIG, config);
  await store.writeBlob(config);
  const manifest = bytesOf({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: configDescriptor, layers: layers.map(({ descriptor }) => descriptor) });
  const descriptor = describe(OCI_MANIFEST, manifest);
  await store.putManifest(descriptor, manifest);
  return { ...descriptor, platform: platformEntry(platform) };
};

import * as z from 'zod';
import { digestSchema } from '@pinlane/contracts';
import { readDocument } from './json.ts';
import { remembering } from './remembering.ts';

/** A key that may be missing; Docker writes Go's nil as null where OCI leaves the key out. */
const maybe = <S extends z.ZodType>(schema: S) =>
  schema
    .nullish()
    .transform((value) => value ?? undefined)
    .optional();

/** Fields that others read and Pinlane does not: they are named so that no key is one of them but for case. */
const unread = <K extends string>(...names: readonly K[]) =>
  Object.fromEntries(names.map((name) => [name, z.unknown().optional()])) as Record<K, z.ZodOptional<z.ZodUnknown>>;

const strings = z.array(z.string());
const set = z.record(z.string(), z.object({}));

/** How a container of the image starts. Unknown keys are kept, so that a config made from this one loses nothing. */
export const executionSchema = z.looseObject({
  User: maybe(z.string()),
  ExposedPorts: maybe(set),
  Env: maybe(strings),
  Entrypoint: maybe(strings),
  Cmd: maybe(strings),
  Volumes: maybe(set),
  WorkingDir: maybe(z.string()),
  Labels: maybe(z.record(z.string(), z.string())),
  StopSignal: maybe(z.string()),
  Shell: maybe(strings),
  Healthcheck: maybe(
    z.looseObject({
      Test: maybe(strings),
      Interval: maybe(z.number()),
      Timeout: maybe(z.number()),
      StartPeriod: maybe(z.number()),
      StartInterval: maybe(z.number()),
      Retries: maybe(z.number()),
    }),
  ),
  // The other fields of Docker's container.Config and of the image specification's ImageConfig.
  ...unread('Hostname', 'Domainname', 'AttachStdin', 'AttachStdout', 'AttachStderr', 'Tty', 'OpenStdin', 'StdinOnce', 'ArgsEscaped', 'Image'),
  ...unread('NetworkDisabled', 'MacAddress', 'OnBuild', 'StopTimeout', 'Memory', 'MemorySwap', 'CpuShares'),
});
export type ImageExecution = z.infer<typeof executionSchema>;

export const historySchema = z.looseObject({
  created: maybe(z.string()),
  created_by: maybe(z.string()),
  author: maybe(z.string()),
  comment: maybe(z.string()),
  empty_layer: maybe(z.boolean()),
});
export type ImageHistory = z.infer<typeof historySchema>;

/** An image's configuration (OCI image specification, config.md). */
export const imageConfigSchema = z.looseObject({
  architecture: z.string().min(1),
  os: z.string().min(1),
  variant: maybe(z.string()),
  created: maybe(z.string()),
  author: maybe(z.string()),
  config: maybe(executionSchema),
  rootfs: z.object({
    type: z.literal('layers'),
    diff_ids: z
      .array(digestSchema)
      .nullish()
      .transform((ids) => ids ?? []),
  }),
  history: maybe(z.array(historySchema)),
  ...unread('os.version', 'os.features', 'id', 'parent', 'comment', 'container', 'container_config', 'docker_version'),
});
export type ImageConfig = z.infer<typeof imageConfigSchema>;

/** Parses an image's configuration; see `remembering`. @throws ERR_MANIFEST_INVALID */
export const parseConfig = remembering((bytes): ImageConfig => readDocument('config', bytes, imageConfigSchema));

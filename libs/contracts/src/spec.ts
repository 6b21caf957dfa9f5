import * as z from './zod.ts';
import { digestSchema } from './digest.ts';
import { HOSTING_NAMES } from './hosting.ts';
import { PROCESSOR_ENV } from './processor/codes.ts';
import { DEFAULT_CPU, DEFAULT_MEMORY_GB, DEFAULT_PORT, DEFAULT_TIMEOUT_S } from './processor/defaults.ts';
import { byArchitecture } from './platform.ts';
import { climbs, isRooted, looksLikeOption } from './path-rules.ts';
import { pinnedReferenceSchema, repositorySchema } from './reference.ts';
import { refSchema } from './ref.ts';

// One line of printable text that can stand in a shell, a workflow and a label without meaning more than it says.
const line = (what: string, max: number) =>
  z
    .string()
    .min(1, `${what} is empty`)
    .max(max, `${what} has at most ${max} characters`)
    .regex(/^[^\p{Cc}\u2028\u2029]*$/u, `${what} is one line without control characters`);

const plainPath = (what: string) =>
  line(what, 512)
    .refine((path) => !looksLikeOption(path), `${what} does not start with -`)
    .refine((path) => !path.includes('${'), `${what} does not contain \${`)
    .refine((path) => !path.includes('\\'), `${what} is written with /`);

const insidePath = (what: string) =>
  plainPath(what)
    .refine((path) => !isRooted(path), `${what} is relative to the processor's folder`)
    .refine((path) => !climbs(path), `${what} does not leave the processor's folder`);

// A secret of such a name would be set always, and would change how the processor is started.
const isTaken = (name: string): boolean =>
  (Object.values(PROCESSOR_ENV) as string[]).includes(name) || ['PATH', 'HOME', 'NODE_OPTIONS'].includes(name) || name.startsWith('LD_');

/** The name of an environment variable that holds a secret; never its value. */
export const secretNameSchema = z
  .string()
  .max(100)
  .regex(/^[A-Z_][A-Z0-9_]*$/, 'expected the name of an environment variable: capitals, digits and _')
  .refine((name) => !isTaken(name), 'the name belongs to what starts the processor');

const buildArgName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]*$/, 'expected the name of a build argument');

const buildSchema = z.strictObject({
  context: insidePath('the build context').default('.').meta({ description: "The build context, relative to the processor's folder." }),
  dockerfile: insidePath('the Dockerfile').default('Dockerfile').meta({ description: 'The Dockerfile, relative to the build context.' }),
  port: z.int().min(1).max(65535).default(DEFAULT_PORT).meta({ description: 'The port on which the processor answers HTTP.' }),
  args: z
    .record(buildArgName, line('a build argument', 4096))
    .default({})
    .meta({ description: 'Build arguments. They become part of the image and its provenance: nothing secret.' }),
  public_args: z.array(buildArgName).max(100).optional().meta({
    description:
      'Names of build arguments that are no secrets, though their names or values look like it: they are taken, from the command line too. The value of a secret that is known is refused all the same.',
  }),
  target: line('the stage', 128).optional().meta({ description: 'The Dockerfile stage to build; the last one where absent.' }),
});

const pin = pinnedReferenceSchema;

const imageSchema = z.strictObject({
  repository: repositorySchema.optional().meta({ description: "Where the image is pushed; <the workspace's registry>/<slug> where absent." }),
  platforms: z
    .strictObject(byArchitecture((each) => pin.nullish().meta({ description: `The digest of the manifest for linux/${each}.` })))
    .nullish()
    .meta({ description: 'The pins: the digest of each platform manifest. Written by `pin`.' }),
  index: pin.nullish().meta({ description: 'The digest of the index that holds both platform manifests. Written by `pin`.' }),
  source: z
    .strictObject({
      fingerprint: digestSchema.nullish().meta({ description: 'What the pinned images were built from.' }),
      revision: z
        .string()
        .regex(/^[a-f0-9]{40}(?:[a-f0-9]{24})?$/, 'expected a full git commit')
        .nullish()
        .meta({ description: 'The git commit that was checked out when they were built.' }),
    })
    .nullish()
    .meta({ description: 'Written by `pin`.' }),
});

const runtimeSchema = z.strictObject({
  cpu: z.number().positive().max(256).default(DEFAULT_CPU).meta({ description: 'CPUs.' }),
  memory_gb: z.number().positive().max(4096).default(DEFAULT_MEMORY_GB).meta({ description: 'Memory in GiB.' }),
  gpu: line('the GPU', 64).nullable().default(null).meta({ description: 'The kind of GPU, or null.' }),
  timeout_s: z.number().positive().max(86_400).default(DEFAULT_TIMEOUT_S).meta({ description: 'The longest that a run may take, in seconds.' }),
  concurrency: z.int().min(1).max(10_000).optional().meta({ description: 'How many runs at once; more are answered with ERR_BUSY.' }),
});

const deploySchema = z
  .strictObject({
    adapter: z
      .enum(HOSTING_NAMES)
      .optional()
      .meta({ description: 'Where it is deployed: local is this machine. --adapter and PINLANE_ADAPTER win over it; modal where nothing says.' }),
    min_containers: z.int().min(0).max(1000).default(0).meta({ description: 'How many containers run though nobody calls; 0 lets it scale to none.' }),
    max_containers: z.int().min(1).max(1000).default(4).meta({ description: 'How many containers may run at once.' }),
    scaledown_s: z.int().min(1).max(86_400).default(300).meta({ description: 'How long an idle container is kept, in seconds.' }),
    region: line('the region', 64).nullable().default(null).meta({ description: "Where it runs, in the platform's words; null leaves that to the platform." }),
    proxy_auth: z.boolean().default(true).meta({ description: "Whether the platform's proxy asks callers for credentials." }),
    resources: z
      .strictObject({
        cpu: z.number().positive().max(256).optional().meta({ description: 'CPUs; runtime.cpu if absent.' }),
        memory_gb: z.number().positive().max(4096).optional().meta({ description: 'Memory in GiB; runtime.memory_gb if absent.' }),
        gpu: line('the GPU', 64).nullable().optional().meta({ description: 'The kind of GPU, or null for none; runtime.gpu if absent.' }),
      })
      .prefault({})
      .meta({ description: 'What a container is given, if it is not what `runtime` says: a change here rebuilds nothing.' }),
  })
  .superRefine(({ min_containers, max_containers }, context) => {
    if (min_containers > max_containers)
      context.addIssue({ code: 'custom', message: `min_containers, ${min_containers}, is more than max_containers, ${max_containers}` });
  });

const secretsSchema = z
  .strictObject({
    required: z.array(secretNameSchema).max(100).default([]).meta({ description: 'Names without which mode=real answers ERR_MISSING_SECRET.' }),
    optional: z.array(secretNameSchema).max(100).default([]).meta({ description: 'Names that are handed on where they are set.' }),
  })
  .superRefine(({ required, optional }, context) => {
    const all = [...required, ...optional];
    for (const name of new Set(all.filter((name, at) => all.indexOf(name) !== at))) context.addIssue({ code: 'custom', message: `${name} is listed twice` });
  });

const outputSchema = z.strictObject({
  path: insidePath('the output').meta({ description: 'The path below outputs/. A * stands for any characters but /.' }),
  mime: z
    .string()
    .regex(/^[a-z]+\/[a-z0-9.+*-]+$/, 'expected a media type such as text/plain')
    .meta({ description: 'The media type.' }),
  description: line('the description', 1000).optional().meta({ description: 'What it holds.' }),
});

/**
 * registry.yaml: what a processor is, what it needs and which digests of it are pinned (design, section 7).
 * Strict at every level; JSON Schema under `inputs` is checked where it is compiled.
 */
export const processorSpecSchema = z.strictObject({
  ref: refSchema.meta({ description: 'The name and major version: namespace/name@major.' }),
  build: buildSchema.prefault({}).meta({ description: 'What the image is built from.' }),
  image: imageSchema.nullish().meta({ description: 'Where the image lives, and its pins.' }),
  runtime: runtimeSchema.prefault({}).meta({ description: 'What a run needs.' }),
  deploy: deploySchema.prefault({}).meta({ description: 'How it is deployed. No part of the image: a change redeploys, and rebuilds and repins nothing.' }),
  secrets: secretsSchema.prefault({}).meta({ description: 'The names of the secrets; their values are never in this file.' }),
  inputs: z.record(z.string(), z.unknown()).default({}).meta({ description: 'The JSON Schema (draft-07 or 2020-12) of inputs.params.' }),
  outputs: z.array(outputSchema).max(1000).default([]).meta({ description: 'The files that a run may write.' }),
});

/** A valid registry.yaml with every default filled in. */
export type ProcessorSpec = z.output<typeof processorSpecSchema>;

/** The part of a spec that belongs to the image: all of it that the build, its cache key and the fingerprint may see. See `SPEC_PURPOSES`. */
export type SpecProjection = Omit<ProcessorSpec, 'image' | 'deploy'>;

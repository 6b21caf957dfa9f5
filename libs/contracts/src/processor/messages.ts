import * as z from '../zod.ts';
import { digestSchema } from '../digest.ts';
import { refSchema } from '../ref.ts';
import { PROCESSOR_ERROR_STATUS, type ProcessorErrorCode } from './codes.ts';

const sha256 = z.string().regex(/^[a-f0-9]{64}$/);

export const healthSchema = z.looseObject({ ok: z.literal(true), ref: refSchema, image_digest: digestSchema });

/**
 * The body of POST /run and POST /run-stream. The spec's JSON Schema describes `inputs.params`. `write_prefix` holds
 * `{execution_id}` and is a path below the artifacts root: absolute, or relative to that root.
 */
export const runRequestSchema = z.strictObject({
  schema: z.literal('v1'),
  execution_id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/),
  ref: refSchema,
  mode: z.enum(['mock', 'real']).default('mock'),
  inputs: z.strictObject({ schema: z.literal('v1'), params: z.record(z.string(), z.unknown()) }),
  write_prefix: z.string().max(1024),
});
export type RunRequest = z.input<typeof runRequestSchema>;

/** One file of a run. `path` is relative to `<prefix>/outputs/`, as in the `outputs` of registry.yaml. */
const outputSchema = z.strictObject({ path: z.string(), mime: z.string(), size_bytes: z.int().nonnegative(), sha256 });
export type RunOutput = z.infer<typeof outputSchema>;

/** sha256 of the RFC 8785 form of the request's `inputs` as they were sent; defaults of the schema are not filled in. */
const inputsHashSchema = z.strictObject({ hash_schema: z.literal('jcs-sha256-v1'), value: sha256 });
/** `cpu=1;gpu=none;memory_gb=2;secrets=A,B`. Secrets are the names of those that are required and, in mode=real, of the optional ones that are set. */
const environmentFingerprintSchema = z.string().min(1);

export const successEnvelopeSchema = z.strictObject({
  status: z.literal('success'),
  execution_id: z.string(),
  /** Sorted by path. */
  outputs: z.array(outputSchema),
  /** `<write_prefix, expanded>/outputs.json`, written as the caller wrote the prefix. */
  index_path: z.string(),
  meta: z.looseObject({
    ref: refSchema,
    image_digest: digestSchema,
    env_fingerprint: environmentFingerprintSchema,
    inputs_hash: inputsHashSchema,
    duration_ms: z.number().nonnegative(),
  }),
});
export type SuccessEnvelope = z.infer<typeof successEnvelopeSchema>;

/** `execution_id` is null if the request held no valid one. */
export const errorEnvelopeSchema = z.strictObject({
  status: z.literal('error'),
  execution_id: z.string().nullable(),
  error: z.looseObject({ code: z.enum(Object.keys(PROCESSOR_ERROR_STATUS) as [ProcessorErrorCode, ...ProcessorErrorCode[]]), message: z.string() }),
  meta: z.looseObject({}),
});
export type ErrorEnvelope = z.infer<typeof errorEnvelopeSchema>;

/** `<prefix>/outputs.json`: RFC 8785 JSON, sorted by path, without a final newline. */
export const outputsIndexSchema = z.strictObject({ outputs: z.array(outputSchema) });

/** A run without its times and durations, as RFC 8785 JSON: the same input gives the same bytes. */
export const receiptSchema = z.strictObject({
  kind: z.literal('Receipt'),
  schemaVersion: z.literal(1),
  execution_id: z.string(),
  ref: refSchema,
  mode: z.enum(['mock', 'real']),
  image_digest: digestSchema,
  inputs_hash: inputsHashSchema,
  env_fingerprint: environmentFingerprintSchema,
  outputs: z.array(outputSchema),
});
export type Receipt = z.infer<typeof receiptSchema>;

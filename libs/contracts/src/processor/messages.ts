import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { refSchema } from '../ref.ts';
import { PROCESSOR_ERROR_STATUS, type ProcessorErrorCode } from './codes.ts';

const sha256 = z.string().regex(/^[a-f0-9]{64}$/);

export const healthSchema = z.looseObject({ ok: z.literal(true), ref: refSchema, image_digest: digestSchema });

/** The body of POST /run and POST /run-stream. */
export const runRequestSchema = z.strictObject({
  schema: z.literal('v1'),
  execution_id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/),
  ref: refSchema,
  mode: z.enum(['mock', 'real']).default('mock'),
  inputs: z.strictObject({ schema: z.literal('v1'), params: z.record(z.string(), z.unknown()) }),
  write_prefix: z.string().max(1024),
});
export type RunRequest = z.input<typeof runRequestSchema>;

const outputSchema = z.strictObject({ path: z.string(), mime: z.string(), size_bytes: z.int().nonnegative(), sha256 });
export type RunOutput = z.infer<typeof outputSchema>;

const inputsHashSchema = z.strictObject({ hash_schema: z.literal('jcs-sha256-v1'), value: sha256 });
const environmentFingerprintSchema = z.string().min(1);

export const successEnvelopeSchema = z.strictObject({
  status: z.literal('success'),
  execution_id: z.string(),
  outputs: z.array(outputSchema),
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

export const errorEnvelopeSchema = z.strictObject({
  status: z.literal('error'),
  execution_id: z.string().nullable(),
  error: z.looseObject({ code: z.enum(Object.keys(PROCESSOR_ERROR_STATUS) as [ProcessorErrorCode, ...ProcessorErrorCode[]]), message: z.string() }),
  meta: z.looseObject({}),
});
export type ErrorEnvelope = z.infer<typeof errorEnvelopeSchema>;

/** What is determined of a run: no time and no duration, so that the same input gives the same bytes. */
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

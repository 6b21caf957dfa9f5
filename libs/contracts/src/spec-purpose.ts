import type { ProcessorSpec } from './spec.ts';

/** What a field of registry.yaml belongs to: the image, its deployment, or the pins. */
export type Purpose = 'image' | 'deployment' | 'pins';

/** The sections whose fields have a purpose each; all of any other section has one. */
type Divided = 'build' | 'runtime' | 'secrets';

/** A field of the spec by its path, `runtime.cpu`, or a whole section. */
export type SpecPath = {
  [Section in keyof ProcessorSpec]-?: Section extends Divided ? `${Section}.${Extract<keyof ProcessorSpec[Section], string>}` : Section;
}[keyof ProcessorSpec];

/** The purpose of a field. */
export interface FieldPurpose {
  readonly of: Purpose;
  /**
   * Of a field of the image that came after format 1 of the fingerprint: its default. While a spec has that value the field is left out of the image, so
   * that no fingerprint moves because Pinlane knows a field more.
   */
  readonly default?: string | number | boolean | null;
}

/**
 * The purpose of every field. The build, its cache key and the fingerprint see those of the image alone; deployments read those of the deployment, and
 * of `runtime` and `secrets` too. All of `runtime` stays with the image: a processor obeys timeout_s and concurrency, and names cpu, memory_gb and gpu in
 * the env_fingerprint of its receipts. `deploy.resources` gives a deployment others without a rebuild.
 */
export const SPEC_PURPOSES: Readonly<Record<SpecPath, FieldPurpose>> = {
  ref: { of: 'image' },
  'build.context': { of: 'image' },
  'build.dockerfile': { of: 'image' },
  'build.port': { of: 'image' },
  'build.args': { of: 'image' },
  'build.public_args': { of: 'image' },
  'build.target': { of: 'image' },
  image: { of: 'pins' },
  'runtime.cpu': { of: 'image' },
  'runtime.memory_gb': { of: 'image' },
  'runtime.gpu': { of: 'image' },
  'runtime.timeout_s': { of: 'image' },
  'runtime.concurrency': { of: 'image' },
  deploy: { of: 'deployment' },
  'secrets.required': { of: 'image' },
  'secrets.optional': { of: 'image' },
  inputs: { of: 'image' },
  outputs: { of: 'image' },
};

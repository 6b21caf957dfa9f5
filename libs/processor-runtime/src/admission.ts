import type { IncomingHttpHeaders } from 'node:http';
import { EXPECT_DIGEST_HEADER } from '@pinlane/contracts/processor';
import type { RunFacts } from './envelope.ts';
import { inputsError, ProcessorError } from './errors.ts';
import { environmentFingerprint, hashInputs, type InputsHash } from './hash.ts';
import { expandPrefix, type Prefix } from './prefix.ts';
import { asksForReal, createValidator } from './request.ts';
import type { Secrets } from './secrets.ts';
import type { RuntimeSpec } from './spec.ts';

/** A request that may run, unless the processor is busy. */
export interface AdmittedRequest {
  readonly facts: RunFacts;
  readonly params: Readonly<Record<string, unknown>>;
  readonly prefix: Prefix;
}

/** Decides whether a request may run. @throws ERR_IMAGE_DIGEST_MISSING, ERR_REGISTRY_MISMATCH, ERR_MISSING_SECRET, ERR_INPUTS */
export type Admission = (body: unknown, headers: IncomingHttpHeaders) => AdmittedRequest;

/** The digest of the running image. @throws ERR_IMAGE_DIGEST_MISSING */
export const requireDigest = (imageDigest: string | null): string => {
  if (imageDigest === null) throw new ProcessorError('ERR_IMAGE_DIGEST_MISSING', 'the processor was started without a valid IMAGE_DIGEST');
  return imageDigest;
};

const hashOf = (inputs: unknown): InputsHash => {
  try {
    return hashInputs(inputs);
  } catch (error) {
    throw inputsError(`/inputs has no RFC 8785 form: ${(error as Error).message}`);
  }
};

/**
 * Makes what decides for one processor. It checks the processor's own digest, then the digest that the caller expects, then the secrets, and
 * the rest of the request last, so that a caller can probe for a missing secret without knowing the processor's inputs.
 * @throws Error if the spec's inputs are not a JSON Schema
 */
export const createAdmission = (spec: RuntimeSpec, imageDigest: string | null, secrets: Secrets, artifactsRoot: string): Admission => {
  const validator = createValidator(spec);
  return (body, headers) => {
    const digest = requireDigest(imageDigest);
    const expected = headers[EXPECT_DIGEST_HEADER];
    if (expected !== undefined && expected !== digest)
      throw new ProcessorError('ERR_REGISTRY_MISMATCH', `this processor is ${digest}, not the image that the caller expects`);
    if (asksForReal(body) && secrets.missing.length > 0)
      throw new ProcessorError('ERR_MISSING_SECRET', `mode=real needs secrets that are not set: ${secrets.missing.join(', ')}`);
    const request = validator.request(body);
    const prefix = expandPrefix(request.write_prefix, request.execution_id, artifactsRoot);
    const params = validator.params(request);
    const facts: RunFacts = {
      executionId: request.execution_id,
      ref: spec.ref,
      mode: request.mode,
      imageDigest: digest,
      inputsHash: hashOf(request.inputs),
      environmentFingerprint: environmentFingerprint(spec, request.mode === 'real' ? secrets.optionalSet : []),
    };
    return { facts, params, prefix };
  };
};

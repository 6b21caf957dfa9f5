import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { RuntimeSpec } from './spec.ts';

export interface InputsHash {
  readonly hash_schema: 'jcs-sha256-v1';
  readonly value: string;
}

/** RFC 8785 JSON. @throws Error for a value that it cannot express, such as a lone surrogate */
export const jcs = (value: unknown): string => {
  const text = canonicalize(value);
  if (text === undefined) throw new Error('a value has no JSON form');
  return text;
};

/** The sha256 of some bytes, as 64 hexadecimal digits. */
export const sha256Hex = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** The sha256 of the RFC 8785 form of the request's inputs, as they were sent. */
export const hashInputs = (inputs: unknown): InputsHash => ({ hash_schema: 'jcs-sha256-v1', value: sha256Hex(jcs(inputs)) });

/**
 * The environment fingerprint: resources and the names of secrets, never a value. Required secrets are always in it, optional ones only if a
 * real run has them, so that a mock run has the same fingerprint on every machine.
 */
export const environmentFingerprint = (spec: RuntimeSpec, optionalSet: readonly string[]): string => {
  const names = [...spec.secrets.required, ...optionalSet].sort();
  return [`cpu=${spec.cpu}`, `gpu=${spec.gpu ?? 'none'}`, `memory_gb=${spec.memoryGb}`, `secrets=${names.join(',')}`].join(';');
};

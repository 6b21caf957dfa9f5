import type { ProcessorErrorCode } from '@pinlane/contracts/processor';
import { jcs, type InputsHash } from './hash.ts';

/** One file of a run; `path` is relative to `<prefix>/outputs/`. */
export interface Output {
  readonly path: string;
  readonly mime: string;
  readonly size_bytes: number;
  readonly sha256: string;
}

/** What is known of a run before it starts, and is the same whenever it is run. */
export interface RunFacts {
  readonly executionId: string;
  readonly ref: string;
  readonly mode: 'mock' | 'real';
  readonly imageDigest: string;
  readonly inputsHash: InputsHash;
  readonly environmentFingerprint: string;
}

export interface SuccessEnvelope {
  readonly status: 'success';
  readonly execution_id: string;
  readonly outputs: readonly Output[];
  readonly index_path: string;
  readonly meta: Readonly<Record<string, unknown>>;
}

export interface ErrorEnvelope {
  readonly status: 'error';
  readonly execution_id: string | null;
  readonly error: { readonly code: ProcessorErrorCode; readonly message: string };
  readonly meta: Readonly<Record<string, unknown>>;
}

/** Outputs in the order in which they are always shown: by path, compared by UTF-16 code units. */
export const sortOutputs = (outputs: readonly Output[]): Output[] => outputs.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));

/** The bytes of outputs.json. */
export const outputsIndex = (outputs: readonly Output[]): string => jcs({ outputs: sortOutputs(outputs) });

/** The bytes of receipt.json and determinism.json. They hold no time and no duration, so that the same run gives the same bytes. */
export const receipt = (facts: RunFacts, outputs: readonly Output[]): string =>
  jcs({
    kind: 'Receipt',
    schemaVersion: 1,
    execution_id: facts.executionId,
    ref: facts.ref,
    mode: facts.mode,
    image_digest: facts.imageDigest,
    inputs_hash: facts.inputsHash,
    env_fingerprint: facts.environmentFingerprint,
    outputs: sortOutputs(outputs),
  });

const metaOf = (facts: RunFacts, durationMs: number) => ({
  ref: facts.ref,
  mode: facts.mode,
  image_digest: facts.imageDigest,
  env_fingerprint: facts.environmentFingerprint,
  inputs_hash: facts.inputsHash,
  duration_ms: Math.round(durationMs),
});

/** The answer to a run that succeeded. `extra` adds to `meta`, and cannot replace a member that the contract defines. */
export const successEnvelope = (
  facts: RunFacts,
  run: { readonly outputs: readonly Output[]; readonly indexPath: string; readonly durationMs: number; readonly extra: Readonly<Record<string, unknown>> },
): SuccessEnvelope => ({
  status: 'success',
  execution_id: facts.executionId,
  outputs: sortOutputs(run.outputs),
  index_path: run.indexPath,
  meta: { ...run.extra, ...metaOf(facts, run.durationMs) },
});

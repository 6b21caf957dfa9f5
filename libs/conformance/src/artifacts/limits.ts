/**
 * What is read at most of what a processor leaves below its artifacts root. More than that is a finding, which names the limit.
 * Documented in docs/reference/processor-contract.md.
 */
export const ARTIFACT_LIMITS = {
  /** Files and folders in one listing. */
  entries: 50_000,
  /** Folders within one another. */
  depth: 64,
  /** Bytes of a file that is held whole: outputs.json, receipt.json, determinism.json, and an output whose content a case expects. */
  wholeBytes: 8 * 2 ** 20,
  /** Bytes that one rule, or one case, reads of all files together; they are hashed or searched piece by piece. */
  allBytes: 2 ** 30,
  /** How long one rule, or one case, reads, in ms. */
  readingMs: 60_000,
} as const;
export type ArtifactLimits = { readonly [limit in keyof typeof ARTIFACT_LIMITS]: number };

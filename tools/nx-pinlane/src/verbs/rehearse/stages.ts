/** The lanes that a workflow is of, in the order of a change on its way. */
export const STAGES = ['pr', 'dev', 'staging', 'main'] as const;

/** A lane that can be rehearsed. */
export type Stage = (typeof STAGES)[number];

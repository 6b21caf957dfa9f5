import * as z from '../zod.ts';
import { digestSchema } from '../digest.ts';
import { LANES } from '../lanes.ts';
import { staysBelow } from '../path-rules.ts';
import { platformSchema } from '../platform-schema.ts';
import { refSchema } from '../ref.ts';
import { pinnedReferenceSchema } from '../reference.ts';
import { artefact, revisionSchema } from './common.ts';

/** Programs that run an image on this machine. */
export const RUNTIME_NAMES = ['docker', 'bubblewrap', 'unshare', 'host'] as const;
export type RuntimeName = (typeof RUNTIME_NAMES)[number];

const enforcement = z.enum(['enforced', 'none']);

/** The isolation of the processor under test from the machine. `network` is `blocked` only if a probe proved it. */
export const isolationSchema = z.strictObject({
  runtime: z.enum(RUNTIME_NAMES),
  network: z.enum(['blocked', 'open']),
  filesystem: z.enum(['read-only', 'open']),
  user: z.enum(['unprivileged', 'same']),
  processes: z.enum(['own', 'shared']),
  /** The limits of `runtime` in registry.yaml that were enforced; absent in reports that are older than the limits. */
  limits: z.strictObject({ cpu: enforcement, memory: enforcement, pids: enforcement }).optional(),
  /** Whether the image is of another processor architecture than the machine. */
  emulated: z.boolean().optional(),
});
export type Isolation = z.infer<typeof isolationSchema>;

/** The outcome of one rule of the contract, or of one of the processor's own cases. */
export const checkSchema = z.strictObject({
  /** A rule's stable name such as `healthz.ok`, or `case:<file>#<name>`. */
  rule: z.string(),
  title: z.string(),
  outcome: z.enum(['passed', 'failed', 'skipped']),
  /** Why it failed or was skipped; empty if it passed. */
  message: z.string(),
  durationMs: z.number().nonnegative(),
});
export type Check = z.infer<typeof checkSchema>;

/** The media type of a report that is attached to an image, and of the artefact that carries it. */
export const EVIDENCE_TYPE = 'application/vnd.pinlane.acceptance.v1+json';

/** Where a report comes from, as it says itself: whoever may write to the registry may say so, too. */
export const evidenceOriginSchema = z.strictObject({
  /** The workspace, by the address of its repository as in `github.com/acme/processors`; null if it has none. */
  workspace: z.string().max(500).nullable(),
  /** The commit that was checked out; null if there was none. */
  revision: revisionSchema.nullable(),
  /** The run of CI; null outside of one. */
  run: z.string().max(500).nullable(),
});
export type EvidenceOrigin = z.infer<typeof evidenceOriginSchema>;

/** The reports that are attached to an image: those that are evidence, and those that are not, each with the reason. */
export const evidenceFoundSchema = z.strictObject({
  found: z.array(
    z.strictObject({
      /** The digest of the artefact that carries the report. */
      artifact: digestSchema,
      lane: z.enum(LANES),
      startedAt: z.iso.datetime(),
      passed: z.int().positive(),
      isolation: isolationSchema,
      /** Absent in reports that are older than it. */
      origin: evidenceOriginSchema.optional(),
    }),
  ),
  ignored: z.array(z.strictObject({ artifact: digestSchema.nullable(), reason: z.string() })),
});
export type EvidenceFound = z.infer<typeof evidenceFoundSchema>;

/** The verdict on the image of one platform. If every check passed, it can be attached to the image as evidence. */
export const acceptanceReportSchema = artefact('AcceptanceReport', {
  ref: refSchema,
  image: pinnedReferenceSchema,
  /** The platform manifest's digest. */
  digest: digestSchema,
  platform: platformSchema,
  lane: z.enum(LANES),
  pinned: z.boolean(),
  isolation: isolationSchema,
  verdict: z.enum(['accepted', 'rejected']),
  checks: z.array(checkSchema),
  startedAt: z.iso.datetime(),
  durationMs: z.number().nonnegative(),
  /** From the start of the processor to its first healthy answer; null if it never became healthy. Its isolation could not be measured then. */
  healthyAfterMs: z.number().nonnegative().nullable(),
  /** The path of the processor's log, relative to the workspace's root; null if everything passed. */
  log: z.string().nullable(),
  /** Only in a report that is attached to an image. */
  origin: evidenceOriginSchema.optional(),
  /** The reports that earlier lanes attached to this digest. Absent if nobody looked for them, and in a report that is itself attached. */
  evidence: evidenceFoundSchema.optional(),
}).describe('The verdict on one platform digest.');
export type AcceptanceReport = z.infer<typeof acceptanceReportSchema>;

/** A file under processors/<slug>/acceptance/: requests, and the answers that are expected. */
export const acceptanceFileSchema = z.strictObject({
  cases: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(200),
        mode: z.enum(['mock', 'real']).default('mock'),
        params: z.record(z.string(), z.unknown()).default({}),
        stream: z.boolean().default(false),
        expect: z.strictObject({
          status: z.enum(['success', 'error']).default('success'),
          http: z.int().min(100).max(599).optional(),
          code: z
            .string()
            .regex(/^ERR_[A-Z_]+$/)
            .optional(),
          /** Files that the run must write. `text` is the whole content, `contains` a part of it, and `json` is compared by value. */
          outputs: z
            .array(
              z.strictObject({
                path: z.string().refine(staysBelow, 'an output stays below outputs/'),
                mime: z.string().optional(),
                text: z.string().optional(),
                contains: z.string().optional(),
                json: z.unknown().optional(),
                sha256: z
                  .string()
                  .regex(/^[a-f0-9]{64}$/)
                  .optional(),
                min_bytes: z.int().min(0).optional(),
              }),
            )
            .default([]),
          /** Whether outputs beyond those listed are allowed. */
          more_outputs: z.boolean().default(false),
        }),
      }),
    )
    .min(1),
});
export type AcceptanceFile = z.output<typeof acceptanceFileSchema>;
export type AcceptanceCase = AcceptanceFile['cases'][number];

/** The outcome of `acceptance` in lane dev, where a processor that came with the last merge has no pins yet. */
export const acceptanceAwaitedSchema = artefact('AcceptanceAwaited', {
  ref: refSchema,
  lane: z.enum(LANES),
  reason: z.string(),
}).describe('A processor that nothing is pinned of yet, in a lane that leaves pinning to staging.');
export type AcceptanceAwaited = z.infer<typeof acceptanceAwaitedSchema>;

import * as z from '../zod.ts';
import { digestSchema } from '../digest.ts';
import { LANES } from '../lanes.ts';
import { staysBelow } from '../path-rules.ts';
import { platformSchema } from '../platform.ts';
import { refSchema } from '../ref.ts';
import { pinnedReferenceSchema } from '../reference.ts';
import { artefact } from './common.ts';

/** Programs that run an image on this machine. */
export const RUNTIME_NAMES = ['docker', 'bubblewrap', 'unshare', 'host'] as const;
export type RuntimeName = (typeof RUNTIME_NAMES)[number];

const enforcement = z.enum(['enforced', 'none']);

/** What stood between the processor under test and the machine. `network: blocked` only where a probe proved it. */
export const isolationSchema = z.strictObject({
  runtime: z.enum(RUNTIME_NAMES),
  network: z.enum(['blocked', 'open']),
  filesystem: z.enum(['read-only', 'open']),
  user: z.enum(['unprivileged', 'same']),
  processes: z.enum(['own', 'shared']),
  /** Which limits of `runtime` were enforced; reports of before there were any say nothing. */
  limits: z.strictObject({ cpu: enforcement, memory: enforcement, pids: enforcement }).optional(),
  /** Whether the image is of another processor architecture than the machine. */
  emulated: z.boolean().optional(),
});
export type Isolation = z.infer<typeof isolationSchema>;

/** One rule of the contract, or one of the processor's own cases, and what became of it. */
export const checkSchema = z.strictObject({
  /** A rule's stable name such as `healthz.ok`, or `case:<file>#<name>`. */
  rule: z.string(),
  title: z.string(),
  outcome: z.enum(['passed', 'failed', 'skipped']),
  /** Why it failed or was skipped; empty where it passed. */
  message: z.string(),
  durationMs: z.number().nonnegative(),
});
export type Check = z.infer<typeof checkSchema>;

/** The media type of a report that is attached to the manifest it is about, and of the artefact that carries it. */
export const EVIDENCE_TYPE = 'application/vnd.pinlane.acceptance.v1+json';

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
    }),
  ),
  ignored: z.array(z.strictObject({ artifact: digestSchema.nullable(), reason: z.string() })),
});
export type EvidenceFound = z.infer<typeof evidenceFoundSchema>;

/** The verdict on one platform digest; evidence when every check passed. */
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
  /** From the start of the container to the first healthy answer. */
  /** Null where it never became healthy; nothing could be measured of its isolation then. */
  healthyAfterMs: z.number().nonnegative().nullable(),
  /** Where the container's log is kept, relative to the workspace's root; null where everything passed. */
  log: z.string().nullable(),
  /** What earlier lanes attached to this digest, where it was looked for; never in a report that is itself attached. */
  evidence: evidenceFoundSchema.optional(),
}).describe('The verdict on one platform digest.');
export type AcceptanceReport = z.infer<typeof acceptanceReportSchema>;

/** A file under processors/<slug>/acceptance/: what is sent, and what must come back. */
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
          /** Output files that must be there; text is compared whole, `contains` in part, `json` by value. */
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

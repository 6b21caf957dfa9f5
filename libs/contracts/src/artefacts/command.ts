import * as z from '../zod.ts';
import { ERROR_CATALOGUE, type ErrorCode } from '../errors/catalogue.ts';
import { architectureSchema } from '../platform-schema.ts';
import { digestSchema } from '../digest.ts';
import { pinnedReferenceSchema } from '../reference.ts';
import { artefact } from './common.ts';

/** A verb that had nothing to do: the pinned image is used, and nothing was built. */
export const skippedSchema = artefact('Skipped', {}).describe('A build that was left out, because the pinned image is used.');
export type Skipped = z.infer<typeof skippedSchema>;

/** The files that a processor was bundled into. */
export const bundleDocumentSchema = artefact('Bundle', {
  /** The Nx project. */
  project: z.string(),
  /** Paths are relative to the workspace's root, sizes in bytes. */
  files: z.array(z.strictObject({ path: z.string(), size: z.int().nonnegative() })),
}).describe('The files that a processor was bundled into.');

/** The difference between two locks of a base. */
export const baseUpdateSchema = artefact('BaseUpdate', {
  /** The lock's path. */
  lockFile: z.string(),
  /** Whether the lock was written: it was not if nothing changed. */
  written: z.boolean(),
  changes: z.array(
    z.strictObject({
      architecture: architectureSchema,
      /** A package, or `node`. */
      name: z.string(),
      /** Versions; null if it was not there, or is there no more. */
      from: z.string().nullable(),
      to: z.string().nullable(),
    }),
  ),
}).describe("The difference between a base's lock before and after it was resolved anew.");
export type BaseUpdate = z.infer<typeof baseUpdateSchema>;

/** The outcome of the pin of a base: where its base.yaml says it is, after it was pushed there; would say (--dry-run); or was found to say (--check). */
export const basePinSchema = artefact('BasePin', {
  /** The Nx project of the base. */
  project: z.string(),
  /** base.yaml, relative to the workspace's root. */
  file: z.string(),
  outcome: z.enum(['pinned', 'unchanged', 'would-pin', 'current', 'stale']),
  /** What the lock records. */
  index: digestSchema,
  /** `published` of base.yaml; null if it names nothing. */
  before: pinnedReferenceSchema.nullable(),
  after: pinnedReferenceSchema.nullable(),
  /** Why it is stale, or why nothing was done. */
  reasons: z.array(z.string()),
}).describe('Where a base is published, as its base.yaml says it.');
export type BasePin = z.infer<typeof basePinSchema>;

/** The blobs that were removed from the store. */
export const storeCollectionSchema = artefact('StoreCollection', {
  /** Whether nothing was removed: then `removed` and `bytes` tell what would have been. */
  dryRun: z.boolean(),
  removed: z.array(z.string()),
  bytes: z.int().nonnegative(),
}).describe('The blobs that were removed from the local store.');
export type StoreCollection = z.infer<typeof storeCollectionSchema>;

/** Where the store is served. */
export const storeServerSchema = artefact('StoreServer', {
  origin: z.url(),
  /** The store's folder. */
  root: z.string(),
  readOnly: z.boolean(),
}).describe('Where the local store is served as a registry, printed when it is ready.');
export type StoreServer = z.infer<typeof storeServerSchema>;

/** An error, with every problem that was found. */
export const errorDocumentSchema = artefact('Error', {
  problems: z
    .array(
      z.strictObject({
        code: z.enum(Object.keys(ERROR_CATALOGUE) as [ErrorCode, ...ErrorCode[]]),
        message: z.string(),
        file: z.string().optional(),
        line: z.int().positive().optional(),
        column: z.int().positive().optional(),
        fix: z.string(),
      }),
    )
    .min(1),
}).describe('The problems that kept a verb from its outcome.');
export type ErrorDocument = z.infer<typeof errorDocumentSchema>;

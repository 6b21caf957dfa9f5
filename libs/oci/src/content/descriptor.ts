import * as z from 'zod';
import { digestSchema, type Digest } from '@pinlane/contracts';
import { sha256 } from './sha256.ts';

const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

export const mediaTypeSchema = z.string().regex(MEDIA_TYPE, 'expected a media type');
export const annotationsSchema = z.record(z.string(), z.string());

/** The `platform` of an index's entry (image-index.md). */
export const descriptorPlatformSchema = z.object({
  architecture: z.string(),
  os: z.string(),
  variant: z.string().optional(),
  'os.version': z.string().optional(),
  'os.features': z.array(z.string()).optional(),
  /** Of Docker's manifest list alone. */
  features: z.unknown().optional(),
});
export type DescriptorPlatform = z.infer<typeof descriptorPlatformSchema>;

/** Names content by type, digest and size in bytes (OCI image specification, descriptor.md). Unknown keys are ignored, as the specification asks. */
export const descriptorSchema = z.object({
  mediaType: mediaTypeSchema,
  digest: digestSchema,
  size: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER),
  platform: descriptorPlatformSchema.optional(),
  annotations: annotationsSchema.optional(),
  artifactType: mediaTypeSchema.optional(),
  data: z.base64().optional(),
  urls: z.array(z.string()).optional(),
});
export type Descriptor = z.infer<typeof descriptorSchema>;

/** The part of a descriptor that is needed to fetch and check a blob. */
export type BlobDescriptor = { readonly digest: Digest; readonly size: number };

/** Makes the descriptor of some bytes. */
export const describe = (mediaType: string, bytes: Uint8Array): Descriptor => ({ mediaType, digest: sha256(bytes), size: bytes.length });

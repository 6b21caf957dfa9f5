import canonicalize from 'canonicalize';
import { SPEC_PURPOSES, type FieldPurpose, type ProcessorSpec, type SpecProjection } from '@pinlane/contracts';

type Fields = Readonly<Record<string, unknown>>;
type Purposes = Readonly<Record<string, FieldPurpose>>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a field belongs to the image. One that no purpose is known for is no field of the schema: it counts, so that a mistake is built, and refused. */
const isOfImage = (purpose: FieldPurpose | undefined, value: unknown): boolean =>
  purpose === undefined || (purpose.of === 'image' && (purpose.default === undefined || value !== purpose.default));

/**
 * The part of a document that belongs to the image. It is for raw documents, as a lenient reading of registry.yaml gives them, and for valid ones alike.
 * @param purposes by path, `section` or `section.field`
 */
export const ofImage = (document: Fields, purposes: Purposes = SPEC_PURPOSES): Fields =>
  Object.fromEntries(
    Object.entries(document).flatMap(([section, value]): [string, unknown][] => {
      if (section in purposes || !isFields(value)) return isOfImage(purposes[section], value) ? [[section, value]] : [];
      const fields = Object.entries(value).filter(([field, each]) => isOfImage(purposes[`${section}.${field}`], each));
      return [[section, Object.fromEntries(fields)]];
    }),
  );

/** The part of a spec that belongs to the image, defaults filled in: all of it that a build, its cache key and its fingerprint may see. */
export const imageProjection = (spec: ProcessorSpec): SpecProjection => ofImage({ ...spec }) as unknown as SpecProjection;

/** The projection as the text that a build sees in place of registry.yaml: RFC 8785 JSON, which is YAML too, and a newline. */
export const projectionText = (spec: ProcessorSpec): string => `${canonicalize(imageProjection(spec))}\n`;

import canonicalize from 'canonicalize';
import type { ProcessorSpec, SpecProjection } from '@pinlane/contracts';

/** A spec without its pins: all of it that a build, its cache key and its fingerprint may see. */
export const imageProjection = ({ image: _, ...projection }: ProcessorSpec): SpecProjection => projection;

/** The projection as the text that a build sees in place of registry.yaml: RFC 8785 JSON, which is YAML too, and a newline. */
export const projectionText = (spec: ProcessorSpec): string => `${canonicalize(imageProjection(spec))}\n`;

import { ProcessorError } from '@pinlane/processor-runtime';

export type Fit = 'contain' | 'cover' | 'fill';

export interface Size {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly fit: Fit;
}

/** `inputs.params`, as registry.yaml describes them. */
export interface ThumbnailParams {
  readonly image: string;
  readonly sizes: readonly Size[];
}

/** The decoded bytes of a data URI that fits the schema, and the media type that it claims. @throws ERR_INPUTS */
export const readDataUri = (uri: string): { readonly mime: string; readonly bytes: Buffer } => {
  const comma = uri.indexOf(',');
  const mime = uri.slice('data:'.length, uri.indexOf(';'));
  const bytes = Buffer.from(uri.slice(comma + 1), 'base64');
  if (bytes.length === 0) throw new ProcessorError('ERR_INPUTS', '/inputs/params/image is empty');
  return { mime, bytes };
};

/** Refuses two sizes of one name, because both would be written to one file. @throws ERR_INPUTS */
export const requireDistinctNames = (sizes: readonly Size[]): void => {
  const names = sizes.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new ProcessorError('ERR_INPUTS', `/inputs/params/sizes names ${JSON.stringify(twice)} twice`);
};

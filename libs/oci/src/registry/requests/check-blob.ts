import type { BlobDescriptor } from '../../content/index.ts';
import type { RegistryRequest } from '../transport.ts';

/**
 * Whether the registry says that it holds a blob ("Checking if content exists in the registry"). One of another size is none: it would be
 * refused when it is pulled. A registry that tells no size is taken at its word.
 */
export const checkBlob = ({ digest, size }: BlobDescriptor): RegistryRequest<boolean> => ({
  method: 'HEAD',
  target: `blobs/${digest}`,
  access: 'pull',
  statuses: [200, 404],
  read: async (answer) => {
    await answer.discard();
    const length = answer.header('content-length');
    return answer.status === 200 && (length === null || Number(length) === size);
  },
});

/** The same by GET, whose refusal says why. Nothing of the blob is read. */
export const checkBlobByGet = (blob: BlobDescriptor): RegistryRequest<boolean> => ({ ...checkBlob(blob), method: 'GET' });

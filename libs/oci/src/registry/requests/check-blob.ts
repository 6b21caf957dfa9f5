import type { BlobDescriptor } from '../../content/index.ts';
import type { RegistryRequest } from '../transport.ts';

/** Whether the registry says that it holds a blob (distribution specification, "Checking if content exists in the registry"). */
export const checkBlob = ({ digest }: BlobDescriptor): RegistryRequest<boolean> => ({
  method: 'HEAD',
  target: `blobs/${digest}`,
  access: 'pull',
  statuses: [200, 404],
  read: async (answer) => {
    await answer.discard();
    return answer.status === 200;
  },
});

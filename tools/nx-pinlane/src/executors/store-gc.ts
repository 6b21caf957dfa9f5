import { executor } from '../shell/executor.ts';

export default executor('store-gc', async () => (await import('../flows/store-gc.ts')).storeGc);

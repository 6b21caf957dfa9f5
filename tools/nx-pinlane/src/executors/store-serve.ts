import { executor } from '../shell/executor.ts';

export default executor('store-serve', async () => (await import('../flows/store-serve.ts')).storeServe);

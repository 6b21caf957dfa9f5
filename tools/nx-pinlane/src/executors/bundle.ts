import { executor } from '../shell/executor.ts';

export default executor('bundle', async () => (await import('../flows/bundle.ts')).bundle);

import { executor } from '../shell/executor.ts';

export default executor('base', async () => (await import('../flows/base.ts')).base);

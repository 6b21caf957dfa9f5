import { executor } from '../shell/executor.ts';

export default executor('base-update', async () => (await import('../flows/base.ts')).baseUpdate);

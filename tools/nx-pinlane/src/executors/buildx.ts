import { executor } from '../shell/executor.ts';

export default executor('buildx', async () => (await import('../flows/buildx.ts')).buildx);

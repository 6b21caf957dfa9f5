import { executor } from '../shell/executor.ts';

export default executor('acceptance', async () => (await import('../flows/acceptance.ts')).acceptance);

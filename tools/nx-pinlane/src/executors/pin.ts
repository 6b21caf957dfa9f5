import { executor } from '../shell/executor.ts';

export default executor('pin', async () => (await import('../flows/pin.ts')).pin);

import { executor } from '../shell/executor.ts';

export default executor('verify-pins', async () => (await import('../flows/verify-pins.ts')).verifyPins);

import { pin } from '../flows/pin.ts';
import { executor } from '../shell/executor.ts';

export default executor('pin', pin);

import { baseUpdate } from '../flows/base.ts';
import { executor } from '../shell/executor.ts';

export default executor('base-update', baseUpdate);

import { base } from '../flows/base.ts';
import { executor } from '../shell/executor.ts';

export default executor('base', base);

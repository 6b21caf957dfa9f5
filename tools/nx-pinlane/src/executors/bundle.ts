import { bundle } from '../flows/bundle.ts';
import { executor } from '../shell/executor.ts';

export default executor('bundle', bundle);

import { acceptance } from '../flows/acceptance.ts';
import { executor } from '../shell/executor.ts';

export default executor('acceptance', acceptance);

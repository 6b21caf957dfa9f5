import { buildx } from '../flows/buildx.ts';
import { executor } from '../shell/executor.ts';

export default executor('buildx', buildx);

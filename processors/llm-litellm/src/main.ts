import { serve } from '@pinlane/processor-runtime';
import { processor } from './processor.ts';

await serve(processor);

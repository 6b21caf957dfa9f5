import { config } from 'zod';

// Zod compiles a function for each object before it checks the first value. A command of ours checks a few documents of each kind and ends, so
// that compiling took a tenth of it.
config({ jitless: true });

export * from 'zod';

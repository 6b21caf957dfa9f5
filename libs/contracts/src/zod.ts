import { config } from 'zod';

// Zod would compile a function for each kind of object when it checks the first one. A command checks only a few and ends, so compiling costs more than
// it saves: it took a tenth of a command's time.
config({ jitless: true });

export * from 'zod';

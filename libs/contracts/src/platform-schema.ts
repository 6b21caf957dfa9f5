import * as z from './zod.ts';
import { ARCHITECTURES, PLATFORMS } from './platform.ts';

// Apart from the names, which inference needs for each Nx command: zod takes longer to load than the whole plugin.

export const architectureSchema = z.enum(ARCHITECTURES);
export const platformSchema = z.enum(PLATFORMS);

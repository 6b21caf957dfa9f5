import * as z from './zod.ts';
import { ARCHITECTURES, PLATFORMS } from './platform.ts';

// Schemas are apart from the names, because the plugin needs the names for every Nx command, and zod is more than half of what it would load with them.

export const architectureSchema = z.enum(ARCHITECTURES);
export const platformSchema = z.enum(PLATFORMS);

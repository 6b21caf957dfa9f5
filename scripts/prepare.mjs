// npm runs this after an install: it bundles the plugin, because Nx loads a built plugin several times faster than its source.
import { existsSync } from 'node:fs';
if (existsSync(new URL('../tools/nx-pinlane/build.mjs', import.meta.url))) await import('../tools/nx-pinlane/build.mjs');

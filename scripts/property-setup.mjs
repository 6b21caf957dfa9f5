// For the property tests: those that name no number of inputs take fast-check's hundred, and in `npm run fuzz` so many times as many.
import fc from 'fast-check';

fc.configureGlobal({ ...fc.readConfigureGlobal(), numRuns: Math.max(1, Math.round(100 * Number(process.env.PINLANE_FUZZ ?? '1'))) });

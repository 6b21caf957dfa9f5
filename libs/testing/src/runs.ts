const factor = Number(process.env['PINLANE_FUZZ'] ?? '1');

/** How many inputs a property is tried on: as many as are given, and in `npm run fuzz` so many times as many. */
export const runs = (ordinary: number): number => Math.max(1, Math.round(ordinary * factor));

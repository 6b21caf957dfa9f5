// node scripts/screenshots.mjs [FOLDER]: pictures of pages for the documentation, of example reports, in docs/images or FOLDER. It needs chromium; those of the
// repository were made with the fonts Inter and JetBrains Mono (Debian: chromium fonts-inter fonts-jetbrains-mono).
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderDriftPage, renderLanesPage } from '../libs/pipeline/src/index.ts';
import { openFile, startBrowser } from '../libs/testing/src/browser.ts';
import { EXAMPLE_NOW, exampleDriftReports } from '../libs/testing/src/drift-reports.ts';
import { exampleLanesReport } from '../libs/testing/src/lanes-report.ts';
import { pixelsOf, smallPng } from './small-png.mjs';

/** The most that a picture may have, in bytes. */
const LIMIT = 200_000;

const folder = resolve(process.argv[2] ?? fileURLToPath(new URL('../docs/images', import.meta.url)));
const temporary = mkdtempSync(join(tmpdir(), 'pinlane-screenshots-'));
const browser = await startBrowser();
try {
  mkdirSync(folder, { recursive: true });
  const pages = {
    drift: renderDriftPage({ reports: exampleDriftReports(), now: new Date(EXAMPLE_NOW) }),
    lanes: renderLanesPage({ report: exampleLanesReport(), drift: null }),
  };
  for (const [of, colorScheme, name] of [
    ['drift', 'light', 'drift.png'],
    ['drift', 'dark', 'drift-dark.png'],
    ['lanes', 'light', 'lanes.png'],
    ['lanes', 'dark', 'lanes-dark.png'],
  ]) {
    const file = join(temporary, `${of}.html`);
    writeFileSync(file, pages[of]);
    const { page } = await openFile(browser, file, { viewport: { width: 1360, height: 880 }, colorScheme });
    // The moment of the example is long past.
    await page.evaluate(() => (document.getElementById('stale').hidden = true));
    const shot = await page.screenshot();
    await page.goto('about:blank');
    const { pixels, width, height } = await pixelsOf(page, shot);
    const small = smallPng(pixels, width, height);
    if (small.length > LIMIT) throw new Error(`${name} would have ${small.length} bytes, and more than ${LIMIT} are too many`);
    writeFileSync(join(folder, name), small);
    console.log(`${name}: ${small.length} bytes`);
  }
} finally {
  await browser.close();
  rmSync(temporary, { recursive: true, force: true });
}

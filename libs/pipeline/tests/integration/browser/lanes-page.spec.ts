import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LANE_STANDINGS, type LanesReport } from '@pinlane/contracts';
import { digestFor, exampleLanesReport, laneCellFor, lackOf, requirement, temporaryFolder } from '@pinlane/testing';
import { openFile, startBrowser, type OpenedPage } from '@pinlane/testing/browser';
import { renderLanesPage } from '../../../src/index.ts';

type Browser = Awaited<ReturnType<typeof startBrowser>>;
type Options = NonNullable<Parameters<typeof openFile>[2]>;
type Page = OpenedPage['page'];

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

requirement(
  'chromium',
  lackOf('chromium'),
  describe,
)('the page of lanes in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  /** Opens a page, and gives what `use` finds there; whatever the page complains of or asks the network for fails the test. */
  const withPage = async <T>(report: LanesReport, options: Options, use: (page: Page) => Promise<T>): Promise<T> => {
    const file = join(temporaryFolder('lanes-page'), 'index.html');
    writeFileSync(file, renderLanesPage({ report, drift: '../drift/index.html' }));
    const { page, complaints, requests } = await openFile(browser, file, options);
    try {
      const found = await use(page);
      expect({ complaints, requests }).toEqual({ complaints: [], requests: [] });
      return found;
    } finally {
      await page.context().close();
    }
  };
  const opened = <T>(use: (page: Page) => Promise<T>, options: Options = {}): Promise<T> => withPage(exampleLanesReport(), options, use);
  const shownRows = (page: Page): Promise<string[]> =>
    page.$$eval('#lanes tbody tr', (rows) => rows.filter((row) => row.checkVisibility()).map((row) => row.querySelector('.name')!.textContent));
  const panel = (page: Page) => page.locator('dialog[open]');
  const cellText = async (page: Page, name: string, column: number): Promise<string> =>
    (await page.locator('#lanes tr', { hasText: name }).locator('td').nth(column).innerText()).replaceAll(/\s+/g, ' ');

  it('tells each standing by a word, a shape and a colour of its own', async () => {
    const seen = await opened((page) =>
      page.$$eval('#lanes .badge', (badges) =>
        badges.map((badge) => ({
          word: badge.textContent,
          shape: badge.querySelector('use')!.getAttribute('href'),
          drawn: badge.querySelector('svg')!.getBBox().width > 5,
          colour: getComputedStyle(badge).color,
        })),
      ),
    );
    const distinct = [...new Map(seen.map((each) => [each.word, each])).values()];
    expect(distinct).toHaveLength(LANE_STANDINGS.length);
    for (const key of ['shape', 'colour'] as const) expect(new Set(distinct.map((each) => each[key])).size).toBe(LANE_STANDINGS.length);
    expect(seen.every(({ drawn }) => drawn)).toBe(true);
  });

  it('shows what is pinned, accepted and deployed, since when and by whom, and what is not known', async () => {
    await opened(async (page) => {
      const short = (name: string): string => digestFor(name).slice(7, 19);
      expect(await cellText(page, 'llm/router@2', 2)).toBe(
        `main Differs 12 d ago by ann amd64, accepted in main, staging ${short('router old')} arm64 ${short('router old arm64')} deployed ${short('router hand')}`.replace(
          'main ',
          '',
        ),
      );
      expect(await cellText(page, 'image/upscale@2', 1)).toMatch(
        /acceptance is not known here: no report; what is deployed is not known here: no report here tells/,
      );
      expect(await cellText(page, 'search/embed@3', 2)).toBe('not in this branch');
    });
  });

  it('shows what waits between staging and main: pins, old and new, and commits', async () => {
    await opened(async (page) => {
      expect(await page.locator('h1').innerText()).toBe('4 processors wait for main, after 5 commits');
      const waiting = page.locator('.waiting');
      expect((await waiting.locator('li').first().innerText()).replaceAll(/\s+/g, ' ')).toContain('docs/ocr@1 linux/amd64');
      expect(await waiting.innerText()).toContain('feat(litellm): streaming of tool calls');
      // An index moves with its platforms.
      expect([await waiting.locator('li').count(), await waiting.locator('summary').count()]).toEqual([13, 0]);
    });
  });

  it('filters by text and by standing, and is gone through by keys', async () => {
    await opened(async (page) => {
      expect(await shownRows(page)).toHaveLength(12);
      await page.getByRole('button', { name: 'Waiting' }).click();
      expect(await shownRows(page)).toEqual(['llm/router@2', 'llm/litellm@1', 'search/embed@3']);
      await page.keyboard.press('/');
      await page.keyboard.type(digestFor('litellm new'));
      expect(await shownRows(page)).toEqual(['llm/litellm@1']);
      await page.keyboard.press('Enter');
      await page.keyboard.press('l');
      await page.keyboard.press('Enter');
      expect(await panel(page).locator('h2').innerText()).toBe('llm/litellm@1');
      const told = (await panel(page).innerText()).replaceAll(/\s+/g, ' ');
      expect(told).toContain(digestFor('litellm new index'));
      expect(told).toContain("it is in this branch's history");
      expect(told).toContain('accepted in staging');
      expect(told).toContain('arm64 Not known no report here is about this digest');
      expect(await panel(page).locator('a').first().getAttribute('href')).toMatch(/^https:\/\//);
      await page.keyboard.press('Escape');
      expect(await panel(page).count()).toBe(0);
    });
  });

  it.each([
    ['light', 1440, false],
    ['dark', 1440, false],
    ['light', 360, false],
    ['dark', 360, false],
    ['light', 1440, true],
    ['dark', 1440, true],
  ] as const)('is accessible as axe has it: %s, %i wide, details open: %s', async (colorScheme, width, details) => {
    const violations = await opened(
      async (page) => {
        if (details) await page.locator('td.v-waiting .badge').first().click();
        await page.evaluate(axe);
        await page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished)));
        return page.evaluate(async () => {
          const run = (
            globalThis as unknown as { axe: { run: () => Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> } }
          ).axe.run;
          return (await run()).violations.map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html, failureSummary }) => [html, failureSummary])]);
        });
      },
      { colorScheme, viewport: { width, height: 900 } },
    );
    expect(violations).toEqual([]);
  });

  const hostile = (text: string): LanesReport => {
    const report = exampleLanesReport();
    const told = { known: true as const, value: { commit: 'a'.repeat(40), at: null, by: text } };
    const unknown = { known: false as const, reason: text };
    const cell = laneCellFor('a/b@1', { lane: 'staging', image: 'x', standing: 'unknown' });
    const cells = [
      {
        ...cell,
        file: text,
        since: told,
        writtenBy: { known: true as const, value: { ...told.value, source: 'b'.repeat(40), run: text, way: 'content' as const } },
      },
      { ...cell, since: unknown, writtenBy: unknown, deployed: unknown, accepted: { amd64: unknown } },
      { ...cell, unread: text, pins: {}, since: null, writtenBy: null },
    ];
    return {
      ...report,
      lanes: report.lanes.map((lane, at) => ({ ...lane, ref: text, partial: text, tip: at === 0 ? unknown : told })),
      rows: [{ ref: null, name: text, cells }, ...report.rows],
      waiting: {
        known: true,
        value: {
          pins: [{ name: text, pin: 'index', main: null, staging: `ghcr.io/a/b@${digestFor('x')}` as never }],
          commits: [{ ...told.value, subject: text }],
          more: 2,
        },
      },
    };
  };

  it.each([360, 768, 1024, 1440])('needs no scrolling sideways at %i pixels, whatever is in it', async (width) => {
    await withPage(hostile(`${'x'.repeat(300)} ${'<wide>'.repeat(60)}`), { viewport: { width, height: 800 } }, async (page) => {
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
      for (const column of [0, 1, 2]) {
        await page.locator('#lanes tbody tr').first().locator('td').nth(column).locator('.badge').click();
        expect(await page.evaluate(() => document.querySelector('dialog')!.scrollWidth - document.querySelector('dialog')!.clientWidth)).toBe(0);
        await page.keyboard.press('Escape');
      }
    });
  });

  it.each([
    '<img src=x onerror="document.title=1">',
    '</script><script>document.title=1</script>',
    '"><svg onload=alert(1)>',
    'javascript:alert(1)',
    '<base href="https://evil.example">',
  ])('takes %s for text', async (text) => {
    await withPage(hostile(text), {}, async (page) => {
      for (const column of [0, 1, 2]) {
        await page.locator('#lanes tbody tr').first().locator('td').nth(column).locator('.badge').click();
        expect(await panel(page).innerText()).toContain(text);
        expect(await panel(page).locator('a:not([href^="https://github.com/acme/"])').count()).toBe(0);
        await page.keyboard.press('Escape');
      }
      const foreign = await page.evaluate(() => document.querySelectorAll('img, iframe, base, #lanes script, [onerror], [onload]').length);
      expect([foreign, await page.evaluate(() => document.scripts.length), await page.title()]).toEqual([
        0,
        2,
        'Lanes: 1 processor waits for main, after 3 commits',
      ]);
    });
  });

  it('shows its table, what waits and its counts without a script, and leads to the page of drift', async () => {
    await opened(
      async (page) => {
        expect(await page.locator('#lanes tbody tr').count()).toBe(12);
        expect(await page.locator('.chips').innerText()).toMatch(/3\s+Waiting/);
        expect(await page.locator('.toolbar').isVisible()).toBe(false);
        expect(await page.getByRole('link', { name: 'drift' }).getAttribute('href')).toBe('../drift/index.html');
      },
      { javaScriptEnabled: false },
    );
  });

  it('is a table to who hears it, also where columns are stacked, and prints all rows', async () => {
    for (const width of [360, 1440])
      await opened(
        async (page) => {
          expect(await page.getByRole('columnheader').allInnerTexts()).toEqual(['Processor', 'dev', 'staging', 'main']);
          expect(await page.getByRole('rowheader').count()).toBe(12);
          await page.getByRole('grid', { name: 'Processors and lanes' }).waitFor();
          await page.emulateMedia({ media: 'print' });
          expect(await page.locator('#lanes tbody tr:last-child').isVisible()).toBe(true);
        },
        { viewport: { width, height: 800 } },
      );
  });
});

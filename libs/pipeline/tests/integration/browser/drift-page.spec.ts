import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DRIFT_VERDICTS, type DriftReport } from '@pinlane/contracts';
import {
  digestFor,
  driftedEntry,
  driftReportOf,
  EXAMPLE_NOW,
  exampleDriftReports,
  inSyncEntry,
  lackOf,
  largeDriftReports,
  orphanEntry,
  requirement,
  temporaryFolder,
  unverifiableEntry,
} from '@pinlane/testing';
import { openFile, startBrowser, type OpenedPage } from '@pinlane/testing/browser';
import { renderDriftPage } from '../../../src/index.ts';

type Browser = Awaited<ReturnType<typeof startBrowser>>;
type Options = NonNullable<Parameters<typeof openFile>[2]>;
type Page = OpenedPage['page'];

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Generous: a machine that is half as fast, and busy, answers well within it. */
const KEY_MS = 3000;

requirement(
  'chromium',
  lackOf('chromium'),
  describe,
)('the page of drift in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  /** Opens a page of reports, and gives what `use` finds there; whatever the page complains of or asks the network for fails the test. */
  const withPage = async <T>(reports: readonly DriftReport[], options: Options, use: (page: Page) => Promise<T>): Promise<T> => {
    const file = join(temporaryFolder('drift-page'), 'index.html');
    writeFileSync(file, renderDriftPage({ reports, now: new Date(EXAMPLE_NOW) }));
    const { page, complaints, requests } = await openFile(browser, file, options);
    try {
      const found = await use(page);
      expect({ complaints, requests }).toEqual({ complaints: [], requests: [] });
      return found;
    } finally {
      await page.context().close();
    }
  };
  const opened = <T>(use: (page: Page) => Promise<T>, options: Options = {}): Promise<T> => withPage(exampleDriftReports(), options, use);
  const shownRows = (page: Page): Promise<string[]> =>
    page.$$eval('#drift tbody tr', (rows) => rows.filter((row) => row.checkVisibility()).map((row) => row.querySelector('.name')!.textContent));
  /** Which cell has the focus: its processor and its column. */
  const focused = (page: Page): Promise<string> =>
    page.evaluate(() => `${document.activeElement?.closest('tr')?.querySelector('.name')?.textContent} ${document.activeElement?.getAttribute('data-column')}`);
  const panel = (page: Page) => page.locator('dialog[open]');

  it('tells each verdict by a word, a shape and a colour of its own', async () => {
    const seen = await opened((page) =>
      page.$$eval('#drift .badge', (badges) =>
        badges.map((badge) => ({
          word: badge.textContent,
          shape: badge.querySelector('use')!.getAttribute('href'),
          drawn: badge.querySelector('svg')!.getBBox().width > 5,
          colour: getComputedStyle(badge).color,
        })),
      ),
    );
    const distinct = [...new Map(seen.map((each) => [each.word, each])).values()];
    expect(distinct).toHaveLength(DRIFT_VERDICTS.length);
    for (const key of ['shape', 'colour'] as const) expect(new Set(distinct.map((each) => each[key])).size).toBe(DRIFT_VERDICTS.length);
    expect(seen.every(({ drawn }) => drawn)).toBe(true);
  });

  it('shows what is pinned, configured and serving, since when and by whom', async () => {
    const cell = await opened((page) => page.locator('#drift tr', { hasText: 'llm/router@2' }).locator('td').nth(1).innerText());
    const [pinned, found] = [digestFor('llm/router@2 now').slice(7, 19), digestFor('llm/router@2 by hand').slice(7, 19)];
    expect(cell.replaceAll(/\s+/g, ' ')).toMatch(
      new RegExp(`Drifted v14 20 h ago by mallory pinned ${pinned} configured, serving ${found} .*maxContainers is 20, and registry.yaml says 8$`),
    );
  });

  it('shows digests in full to who points at them, and copies them', async () => {
    await opened(
      async (page) => {
        const digest = page.locator('#drift td .digest').first();
        const full = digestFor('llm/litellm@1 now');
        expect(await digest.getAttribute('title')).toBe(full);
        await digest.click();
        expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(full);
        expect(await page.locator('#said').innerText()).toBe('Copied in full');
        expect(await panel(page).count()).toBe(0);
        await digest.selectText();
        await page.evaluate(() => navigator.clipboard.writeText(''));
        await page.keyboard.press('Control+c');
        expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(full);
      },
      { permissions: ['clipboard-read', 'clipboard-write'] },
    );
  });

  it('filters by text, also by digests in full, and by verdicts', async () => {
    await opened(async (page) => {
      const all = await shownRows(page);
      expect(all).toHaveLength(13);
      await page.keyboard.press('/');
      await page.keyboard.type('MALLORY');
      expect(await shownRows(page)).toEqual(['llm/litellm@1', 'llm/router@2']);
      expect(await page.locator('#shown').innerText()).toBe('2 of 13 rows');
      await page.locator('#find').fill(digestFor('docs/ocr@1 now'));
      expect(await shownRows(page)).toEqual(['docs/ocr@1']);
      await page.locator('#find').fill('router mallory');
      expect(await shownRows(page)).toEqual(['llm/router@2']);
      await page.locator('#find').fill('no such thing');
      expect(await shownRows(page)).toEqual([]);
      await page.getByRole('button', { name: 'Show all' }).click();
      expect(await shownRows(page)).toEqual(all);
      await page.getByRole('button', { name: 'Orphan' }).click();
      expect(await shownRows(page)).toEqual(['old-topic-bob-llm-litellm-v1']);
      await page.getByRole('button', { name: 'Missing' }).click();
      expect((await shownRows(page)).toSorted()).toEqual(['old-topic-bob-llm-litellm-v1', 'search/rerank@1']);
      await page.getByRole('button', { name: 'Orphan' }).click();
      expect(await shownRows(page)).toEqual(['search/rerank@1']);
    });
  });

  it('is gone through by keys: arrows and j k, / to the filter, Enter to details, Esc back', async () => {
    await opened(async (page) => {
      await page.keyboard.press('j');
      expect(await focused(page)).toBe('llm/litellm@1 0');
      for (const [key, there] of [
        ['ArrowDown', 'llm/router@2 0'],
        ['ArrowRight', 'llm/router@2 1'],
        ['j', 'search/rerank@1 1'],
        ['k', 'llm/router@2 1'],
        ['ArrowUp', 'llm/litellm@1 1'],
        ['ArrowUp', 'llm/litellm@1 1'],
        ['l', 'llm/litellm@1 2'],
        ['ArrowRight', 'llm/litellm@1 2'],
        ['End', 'video/transcode@1 2'],
        ['Home', 'llm/litellm@1 2'],
      ] as const) {
        await page.keyboard.press(key);
        expect([key, await focused(page)]).toEqual([key, there]);
      }
      await page.keyboard.press('Enter');
      expect(await panel(page).locator('h2').innerText()).toBe('llm/litellm@1');
      await page.keyboard.press('j');
      expect(await panel(page).locator('h2').innerText()).toBe('llm/router@2');
      await page.keyboard.press('Escape');
      expect(await panel(page).count()).toBe(0);
      // A dialog gives the focus back to where it was, and hears only after that that it is closed.
      const leaves = () => document.activeElement?.closest('tr')?.querySelector('.name')?.textContent !== 'llm/litellm@1';
      await page.waitForFunction(leaves, undefined, { timeout: KEY_MS }).catch(() => undefined);
      expect(await focused(page)).toBe('llm/router@2 2');
      await page.keyboard.press('/');
      await page.keyboard.type('ocr');
      await page.keyboard.press('Enter');
      expect(await focused(page)).toBe('docs/ocr@1 0');
      await page.keyboard.press('/');
      await page.keyboard.press('Escape');
      expect(await shownRows(page)).toHaveLength(13);
    });
  });

  it('has one cell in the order of Tab, whose focus can be seen', async () => {
    await opened(async (page) => {
      expect(await page.locator('#drift [tabindex="0"]').count()).toBe(1);
      await page.locator('#theme').focus();
      await page.keyboard.press('Tab');
      expect(await focused(page)).toBe('llm/litellm@1 0');
      expect(await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle)).toBe('solid');
    });
  });

  it('tells in details what is known, what is not and why, what differs, and what earlier reports told', async () => {
    await opened(async (page) => {
      const open = async (name: string, column: number): Promise<string> => {
        await page.locator('#drift tr', { hasText: name }).locator('td').nth(column).locator('.badge').click();
        const text = await panel(page).innerText();
        await page.keyboard.press('Escape');
        return text.replaceAll(/\s+/g, ' ');
      };
      const drifted = await open('llm/router@2', 1);
      expect(drifted).toContain(`image Expected ${digestFor('llm/router@2 now')} Copy Found ${digestFor('llm/router@2 by hand')} Copy`);
      expect(drifted).toContain('setting maxContainers Expected 8 Found 20');
      expect(drifted).toContain('Since 27 Nov 2026, 10:20 UTC, 20 h ago by mallory');
      expect(drifted).toMatch(
        /History Drifted v14 · \w{12} 24 Nov 2026, 06:11 UTC to now, 5 reports .* In sync v14 · \w{12} 21 Nov 2026, 06:11 UTC to 23 Nov 2026, 06:11 UTC, 3 reports$/,
      );
      const unknown = await open('docs/ocr@1', 2);
      expect(unknown).toContain('Configured Not known the version that is deployed was made by a client that records no image');
      expect(unknown).toContain('By Not known the platform names nobody for this version');
      expect(unknown).toContain('Published name not proven (--deep)');
      expect(await open('docs/ocr@1', 0)).toContain('Serving not asked (--live)');
    });
  });

  it.each([
    ['light', 'rgb(251, 251, 250)', 'rgb(18, 19, 21)'],
    ['dark', 'rgb(18, 19, 21)', 'rgb(251, 251, 250)'],
  ] as const)('follows a system that is %s, and its own switch', async (colorScheme, paper, other) => {
    await opened(
      async (page) => {
        const colour = (): Promise<string> => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
        const theme = page.locator('#theme');
        expect(await colour()).toBe(paper);
        await theme.click();
        expect([await theme.innerText(), await colour()]).toEqual(['○ Light', 'rgb(251, 251, 250)']);
        await theme.click();
        expect([await theme.innerText(), await colour()]).toEqual(['● Dark', 'rgb(18, 19, 21)']);
        // What a page stored reaches another process of Chromium a moment later, and what is loaded again may be in one.
        const giveUp = performance.now() + KEY_MS;
        do await page.reload();
        while ((await colour()) !== 'rgb(18, 19, 21)' && performance.now() < giveUp);
        expect(await colour()).toBe('rgb(18, 19, 21)');
        await theme.click();
        expect(await colour()).toBe(paper);
        expect(paper).not.toBe(other);
      },
      { colorScheme },
    );
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
        if (details) await page.locator('td.v-drifted .badge').first().click();
        await page.evaluate(axe);
        // What an animation has not finished has no contrast of its own.
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

  it.each([360, 768, 1024, 1440])('needs no scrolling sideways at %i pixels, whatever is in it', async (width) => {
    const long = `${'x'.repeat(300)} ${'<wide>'.repeat(60)}`;
    const environment = 'main' as const;
    const entry = driftedEntry('a/b@1', { environment });
    const odd = {
      ...{ ...entry, message: long, by: long, app: long, unknown: [{ what: long, reason: long }] },
      differences: [{ what: 'setting', name: long, expected: long, found: long }] as const,
      observed: {
        ...entry.observed!,
        deployedBy: { known: false as const, reason: long },
        secrets: { known: true as const, value: [{ name: long, keys: [long] }] },
      },
    };
    const reports = [
      ...exampleDriftReports(),
      driftReportOf(environment, [{ ...odd, differences: [...odd.differences] }, orphanEntry(long, { environment })], { hours: 0 }),
    ];
    const sideways = (page: Page): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    await withPage(reports, { viewport: { width, height: 800 } }, async (page) => {
      expect(await sideways(page)).toBe(0);
      await page.locator('td.v-drifted .badge').last().click();
      expect(await page.evaluate(() => document.querySelector('dialog')!.scrollWidth - document.querySelector('dialog')!.clientWidth)).toBe(0);
      await page.keyboard.press('Escape');
      await page.locator('td.v-orphan .badge').last().click();
      expect(await page.evaluate(() => document.querySelector('dialog')!.scrollWidth - document.querySelector('dialog')!.clientWidth)).toBe(0);
    });
  });

  it('takes hostile names, people, reasons and addresses for text', async () => {
    const environment = 'staging' as const;
    const attacks = [
      '<img src=x onerror="document.title=\'broken\'">',
      '</script><script>document.title="broken"</script>',
      '"><svg onload=alert(1)>',
      "' onmouseover='alert(1)",
      '<!--<script>',
      '&lt;script&gt;',
      '<iframe src="https://evil.example"></iframe>',
      '<style>*{display:none}</style>',
      '<a href="https://evil.example">x</a><base href="https://evil.example">',
    ];
    const entries = attacks.flatMap((attack, at) => {
      const entry = driftedEntry(`team/app-${at}@1`, { environment });
      const url = { known: true as const, value: ['javascript:alert(1)', 'data:text/html,<script>alert(1)</script>'][at % 2]! };
      const unknown = { known: false as const, reason: attack };
      return [
        {
          ...entry,
          app: attack,
          message: attack,
          by: attack,
          differences: [{ what: 'secret' as const, name: attack, expected: attack, found: attack }],
          observed: { ...entry.observed!, url, image: unknown },
        },
        { ...orphanEntry(attack, { environment }), serving: unknown },
        { ...unverifiableEntry(`team/other-${at}@1`, { environment }), ref: null, app: `${attack} ${at}`, observed: null, message: attack },
      ];
    });
    const old = entries.map((entry) => ({ ...entry, verdict: 'stopped' as const, message: attacks.join() }));
    await withPage([driftReportOf(environment, old, { hours: 9 }), driftReportOf(environment, entries)], {}, async (page) => {
      const opened = await page.evaluate(() => {
        const dialog = document.querySelector('dialog')!;
        const cells = [...document.querySelectorAll<HTMLElement>('#drift .badge')];
        return cells.filter((cell) => {
          cell.click();
          const { open } = dialog;
          dialog.close();
          return open;
        }).length;
      });
      expect(opened).toBe(entries.length);
      const state = await page.evaluate(() => ({
        title: document.title,
        foreign: document.querySelectorAll('img, iframe, base, #drift script, #drift style, dialog a, [onerror], [onload], [onmouseover]').length,
        scripts: document.scripts.length,
        names: [...document.querySelectorAll('.name')].map(({ textContent }) => textContent),
      }));
      expect(state).toMatchObject({ title: 'Drift: 18 apps are not as pinned, 9 could not be told', foreign: 0, scripts: 2 });
      for (const attack of attacks) expect(state.names).toContain(attack);
      await page.locator('td.v-drifted .badge').first().click();
      expect(await panel(page).innerText()).toContain('javascript:alert(1)');
      expect(await panel(page).locator('a').count()).toBe(0);
    });
  });

  it('answers to typing with 1,000 processors, and lays out only the rows in sight', async () => {
    await withPage(largeDriftReports(1000), {}, async (page) => {
      expect(await shownRows(page)).toHaveLength(1000);
      expect(await page.$$eval('#drift tbody tr', (rows) => rows.every((row) => getComputedStyle(row).contentVisibility === 'auto'))).toBe(true);
      const spent = await page.evaluate(async () => {
        const field = document.getElementById('find') as HTMLInputElement;
        const times: number[] = [];
        for (const text of ['t', 'te', 'team-3', 'team-3/processor-0099', '']) {
          const begun = performance.now();
          field.value = text;
          field.dispatchEvent(new Event('input'));
          await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
          times.push(performance.now() - begun);
        }
        return times;
      });
      for (const time of spent) expect(time).toBeLessThan(KEY_MS);
      await page.keyboard.press('/');
      await page.keyboard.type('processor-0107');
      expect(await shownRows(page)).toEqual(['team-11/processor-0107@1']);
      await page.keyboard.press('Enter');
      await page.keyboard.press('Enter');
      expect(await panel(page).locator('h2').innerText()).toBe('team-11/processor-0107@1');
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Missing' }).click();
      await page.locator('#find').fill('');
      expect(await shownRows(page)).toHaveLength(5);
    });
  });

  it('shows its table, counts and messages without a script', async () => {
    await opened(
      async (page) => {
        expect(await page.locator('#drift tbody tr').count()).toBe(13);
        expect(await page.locator('#drift').innerText()).toContain('nothing runs in dev under that name');
        expect(await page.locator('.chips').innerText()).toMatch(/2\s+Drifted/);
        // What would need one is not there.
        expect(await page.locator('.toolbar').isVisible()).toBe(false);
        expect(await page.locator('.keys').isVisible()).toBe(false);
      },
      { javaScriptEnabled: false },
    );
  });

  it('is a table to who hears it: names of columns and rows, and a caption', async () => {
    await opened(async (page) => {
      expect(await page.getByRole('columnheader').allInnerTexts()).toEqual(['Processor', 'dev', 'staging', 'main']);
      expect(await page.getByRole('rowheader').count()).toBe(13);
      expect(await page.getByRole('gridcell').count()).toBe(39);
      await page.getByRole('grid', { name: 'Processors and environments' }).waitFor();
    });
    // Where columns are stacked, it is the same table.
    await opened(async (page) => expect(await page.getByRole('columnheader').count()).toBe(4), { viewport: { width: 360, height: 800 } });
  });

  it('moves nothing for who wants no motion, and prints all rows on paper', async () => {
    const reports = [
      driftReportOf(
        'main',
        Array.from({ length: 120 }, (_, at) => inSyncEntry(`a/b-${at}@1`, { environment: 'main' })),
      ),
    ];
    await withPage(reports, { reducedMotion: 'reduce', colorScheme: 'dark' }, async (page) => {
      await page.locator('#drift .badge').first().click();
      expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
      await page.keyboard.press('Escape');
      await page.emulateMedia({ media: 'print' });
      expect(await page.locator('.toolbar').isVisible()).toBe(false);
      expect(await page.evaluate(() => getComputedStyle(document.querySelector('#drift tbody tr:last-child')!).contentVisibility)).toBe('visible');
      expect(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)).toBe('rgb(251, 251, 250)');
    });
  });
});

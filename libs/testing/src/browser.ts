import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { chromiumPath } from './parts.ts';

/** A page in a real browser, and what it did besides showing itself. */
export interface OpenedPage {
  readonly page: Page;
  /** What its console said of errors and warnings, and errors that nobody caught. */
  readonly complaints: string[];
  /** Addresses that it asked for, but for itself. */
  readonly requests: string[];
}

/** Starts Debian's chromium, which {@link lackOf} found. */
export const startBrowser = (): Promise<Browser> => {
  const path = chromiumPath();
  if (path === null) throw new Error('there is no chromium');
  // A container has little of /dev/shm, and its root may make no namespaces.
  return chromium.launch({ executablePath: path, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });
};

/** Opens a file as a page, as a person does. Whatever it asks the network for is noted, and not given. */
export const openFile = async (browser: Browser, file: string, options: BrowserContextOptions = {}): Promise<OpenedPage> => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const [complaints, requests]: [string[], string[]] = [[], []];
  const address = pathToFileURL(file).href;
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => request.url() !== address && requests.push(request.url()));
  await context.route(/^(?!file:)/, (route) => route.abort());
  await page.goto(address);
  return { page, complaints, requests };
};

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { parseRepository } from '@pinlane/contracts';
import {
  makeImage,
  problemsOf,
  requirement,
  sourceOf,
  startDockerRegistry,
  startFaultyProxy,
  startRegistry,
  startStranger,
  temporaryFolder,
  type FaultyProxy,
  type ProxyRule,
  type Stranger,
  type TestImage,
} from '@pinlane/testing';
import { openRepository, pushImage, verifyImage, type CredentialSource, type RegistryRepository } from '../../../src/index.ts';
import { faultTable, type Row } from '../../support/faults.ts';
import { lacks } from '../../support/tools.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

const me: CredentialSource = async () => ({ kind: 'basic', username: 'me', password: 'hunter2' });

interface Place {
  readonly proxy: FaultyProxy;
  readonly stranger: Stranger;
  readonly image: TestImage;
  readonly connect: (idleMs?: number) => RegistryRepository;
}

let repositories = 0;

/** A proxy before a registry, which wants tokens, and an image for it, whose layers go in two chunks each. */
const place = async (upstream: string): Promise<Place> => {
  const proxy = await startFaultyProxy({ upstream, auth: { scheme: 'bearer', username: 'me', password: 'hunter2' } });
  const stranger = await startStranger();
  closing.push(proxy.close, stranger.close);
  const name = parseRepository(`${proxy.host}/team/app-${process.pid}-${repositories++}`);
  const connect = (idleMs = 60_000) =>
    openRepository(name, { auth: me, idleMs, retry: { sleep: async () => undefined, random: () => 0 }, chunks: { above: 2000, sizes: [2000] } });
  return { proxy, stranger, image: makeImage({ layerSize: 3000, architectures: ['amd64'] }), connect };
};

const outcomeOf = async (work: () => Promise<unknown>): Promise<string> => (await problemsOf(work))[0]?.code ?? 'succeeds';

/** Pushes or pulls with a fault in the way, and looks at what came of it. */
const suffer = async (upstream: string, { kind, make, times, after = 0, expected, idleMs }: Row): Promise<void> => {
  const { proxy, stranger, image, connect } = await place(upstream);
  const source = sourceOf(image);
  const { digest } = image.index.descriptor;
  if (kind.work === 'pull') await pushImage(source, connect(), digest);
  proxy.requests.length = 0;

  let passed = 0;
  const when: ProxyRule['when'] = (request) => kind.is(request) && passed++ >= after;
  const rule = { when, fault: make({ proxy: proxy.host, stranger: stranger.host }), ...(times === undefined ? {} : { times }) };
  const circle = {
    when: ({ url }: { readonly url: string }) => url === '/token/circle',
    fault: { kind: 'answer', status: 307, headers: { location: '/token/circle' } } as const,
  };
  proxy.rules.push(rule, circle);
  const pull = (repository: RegistryRepository) => verifyImage(repository, digest, { blobs: 'hashed' });
  const outcome = await outcomeOf(() => (kind.work === 'push' ? pushImage(source, connect(idleMs), digest) : pull(connect(idleMs))));

  // The fault was met, or the row says nothing.
  expect(proxy.struck()).toBeGreaterThan(0);
  expect(outcome).toBe(expected);
  proxy.rules.length = 0;
  if (expected === 'succeeds') await pull(connect());
  // Nobody but the token service was told the password, and no stranger anything.
  const told = proxy.requests.filter(({ headers }) => headers['authorization']?.toString().startsWith('Basic'));
  expect(told.filter(({ url }) => !url.startsWith('/token'))).toEqual([]);
  expect(stranger.requests.filter(({ headers }) => headers['authorization'] !== undefined)).toEqual([]);
};

const title = ({ kind, fault, expected }: Row): string => `${kind.name}: ${fault} -> ${expected}`;

describe('Through a bad day of a registry in this process', () => {
  let registry: Awaited<ReturnType<typeof startRegistry>>;
  beforeAll(async () => {
    registry = await startRegistry();
  });
  afterAll(() => registry.close());

  it.each(faultTable().map((row) => [title(row), row] as const))('%s', (_, row) => suffer(registry.host, row));
});

requirement(
  'docker-registry',
  lacks('docker-registry'),
  describe,
)("Through a bad day of Docker's registry", () => {
  let registry: Awaited<ReturnType<typeof startDockerRegistry>>;
  beforeAll(async () => {
    const config = join(temporaryFolder('oci'), 'config.yml');
    await writeFile(config, ['version: 0.1', 'storage:', '  inmemory: {}', 'http:', '  addr: 127.0.0.1:0', ''].join('\n'));
    registry = await startDockerRegistry(config);
  });
  afterAll(() => void registry.process.kill('SIGKILL'));

  // The proxy makes the fault; what this registry adds is how it goes on, of which every third row tells enough. It is a process of its own, whose right
  // answers may take long on a busy machine: no silence of theirs may be taken for the fault.
  const rows = faultTable()
    .filter((_, at) => at % 3 === 0)
    .map(({ idleMs, ...row }): Row => (idleMs === undefined ? row : { ...row, idleMs: idleMs * 8 }));
  it.each(rows.map((row) => [title(row), row] as const))('%s', (_, row) => suffer(registry.host, row));
});

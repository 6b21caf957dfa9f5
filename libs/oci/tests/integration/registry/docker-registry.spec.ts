import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parseRepository } from '@pinlane/contracts';
import { codeOf, makeImage, putImage, requirement, sourceOf, startDockerRegistry, temporaryFolder } from '@pinlane/testing';
import { copyImage, openRepository, openStore, pushImage, sha256, verifyImage, type CredentialSource } from '../../../src/index.ts';
import { verifyWhole } from '../../support/images.ts';
import { lacks, run } from '../../support/tools.ts';

const stops: (() => void)[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop()));

/** A certificate for this machine that is its own issuer, and its key. */
const makeCertificate = async () => {
  const root = temporaryFolder('oci');
  const [certificate, key] = [join(root, 'certificate.pem'), join(root, 'key.pem')];
  run(
    'openssl',
    ...'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost'.split(' '),
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
    '-out',
    certificate,
    '-keyout',
    key,
  );
  return { certificate, key, text: await readFile(certificate, 'utf8') };
};

/** Of me:hunter2, by bcrypt. */
const HTPASSWD = 'me:$2y$04$AzPnyBNuJw97etNAx1yRjuHC.1KkG4igjThD1ETD9QvUcOlQvnL5u';

interface Setup {
  readonly auth?: boolean;
  readonly storage?: 'inmemory' | 'filesystem';
  readonly tls?: { readonly certificate: string; readonly key: string };
}

const start = async ({ auth = false, storage = 'inmemory', tls }: Setup = {}) => {
  const root = temporaryFolder('oci');
  const htpasswd = join(root, 'htpasswd');
  await writeFile(htpasswd, `${HTPASSWD}\n`);
  const kept = storage === 'filesystem' ? `{ rootdirectory: ${join(root, 'data')} }` : '{}';
  const lines = ['version: 0.1', 'storage:', `  ${storage}: ${kept}`, 'http:', '  addr: 127.0.0.1:0'];
  if (tls) lines.push(`  tls: { certificate: ${tls.certificate}, key: ${tls.key} }`);
  if (auth) lines.push('auth:', '  htpasswd:', '    realm: test', `    path: ${htpasswd}`);
  await writeFile(join(root, 'config.yml'), `${lines.join('\n')}\n`);
  const registry = await startDockerRegistry(join(root, 'config.yml'));
  stops.push(() => registry.process.kill('SIGKILL'));
  return registry.host;
};

requirement(
  'docker-registry',
  lacks('docker-registry'),
  describe,
)('The registry of Docker', () => {
  const credentials: CredentialSource = async () => ({ kind: 'basic', username: 'me', password: 'hunter2' });

  it.each([false, true])('takes an image and gives it back, byte for byte (with authentication: %s)', async (auth) => {
    const host = await start({ auth });
    const repository = openRepository(parseRepository(`${host}/team/app`), { auth: credentials });
    const store = openStore(join(temporaryFolder('oci'), 'store'));
    const image = makeImage({ layerSize: 2_000_000 });
    await putImage(store, image);
    const { digest } = await copyImage(store, repository, image.index.descriptor.digest);
    await repository.tag('v1', image.index.descriptor, image.index.bytes);
    expect((await repository.resolve('v1')).digest).toBe(digest);
    await verifyImage(repository, digest, { blobs: 'hashed' });

    const again = openRepository(parseRepository(`${host}/team/other`), { auth: credentials, mountFrom: repository.repository });
    await copyImage(store, again, digest);
    const back = openStore(join(temporaryFolder('oci'), 'store'));
    await copyImage(again, back, digest);
    await verifyWhole(back, digest);
  });

  it('is not asked for what it is about to write anew: no push is in its own way', async () => {
    const repository = openRepository(parseRepository(`${await start({ storage: 'filesystem' })}/team/app`));
    const said: string[] = [];
    for (let push = 0; push < 20; push++) {
      const image = makeImage();
      await pushImage(sourceOf(image), repository, image.index.descriptor.digest, { progress: (line) => said.push(line) });
    }
    expect(said.filter((line) => !line.startsWith('uploaded'))).toEqual([]);
  });

  it('says what it does not hold, and whom it does not know', async () => {
    const open = openRepository(parseRepository(`${await start()}/team/app`));
    expect(await codeOf(() => open.resolve('absent'))).toBe('ERR_MANIFEST_UNKNOWN');
    const { descriptor, bytes } = makeImage().platforms[0]!;
    expect(await codeOf(() => open.putManifest(descriptor, bytes))).toBe('ERR_BLOB_UNKNOWN');
    const closed = openRepository(parseRepository(`${await start({ auth: true })}/team/app`), { auth: async () => undefined });
    expect(await codeOf(() => closed.readManifest(sha256('absent')))).toBe('ERR_REGISTRY_AUTH');
  });
});

requirement(
  'docker-registry',
  lacks('docker-registry') ?? lacks('openssl', 'version'),
  describe,
)('A registry of this machine that wants TLS', () => {
  const trusted = getCACertificates();
  afterEach(() => setDefaultCACertificates(trusted));
  const credentials: CredentialSource = async () => ({ kind: 'basic', username: 'me', password: 'hunter2' });

  it.each(['127.0.0.1', 'localhost'])('is spoken to by TLS once it said so, at %s', async (name) => {
    const tls = await makeCertificate();
    setDefaultCACertificates([...trusted, tls.text]);
    const host = (await start({ auth: true, tls })).replace('127.0.0.1', name);
    const repository = openRepository(parseRepository(`${host}/team/app`), { auth: credentials });
    const image = makeImage({ layerSize: 2_000_000 });
    const { digest } = image.index.descriptor;
    await pushImage(sourceOf(image), repository, digest, { tags: ['v1'] });
    await verifyImage(openRepository(parseRepository(`${host}/team/app`), { auth: credentials }), digest, { blobs: 'hashed' });
  });

  it('is told apart from one whose certificate nobody vouches for', async () => {
    const tls = await makeCertificate();
    const repository = openRepository(parseRepository(`${await start({ tls })}/team/app`));
    await expect(repository.resolve('v1')).rejects.toThrow(/^ERR_REGISTRY_UNAVAILABLE: .*\nfix: .*NODE_EXTRA_CA_CERTS/);
  });

  it('is not looked for where it was said that the registry speaks plain HTTP', async () => {
    const tls = await makeCertificate();
    setDefaultCACertificates([...trusted, tls.text]);
    const repository = openRepository(parseRepository(`${await start({ tls })}/team/app`), { insecure: true });
    expect(await codeOf(() => repository.resolve('v1'))).toBe('ERR_REGISTRY_PROTOCOL');
  });
});

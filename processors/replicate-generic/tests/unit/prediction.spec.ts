import { describe, expect, it } from '@jest/globals';
import { fileType, sortOutput } from '../../src/output.ts';
import { creation, pollDelay, readPrediction } from '../../src/prediction.ts';

const api = new URL('https://api.replicate.com/v1');
const version = 'ab'.repeat(32);

describe('a prediction', () => {
  it('is created by version where one is named, else by model', () => {
    expect(creation({ model: 'acme/writer', input: { a: 1 } })).toEqual({ path: '/models/acme/writer/predictions', json: { input: { a: 1 } } });
    expect(creation({ model: `acme/writer:${version}`, input: {} })).toEqual({ path: '/predictions', json: { version, input: {} } });
  });

  it('is read from what the API says', () => {
    const body = { id: 'abc123', status: 'failed', error: 'out of memory', metrics: { predict_time: 1.5 } };
    expect(readPrediction(body)).toEqual({ id: 'abc123', status: 'failed', output: null, error: 'out of memory', predictSeconds: 1.5 });
  });

  it.each([
    [{ status: 'starting' }, 'no valid id'],
    [{ id: '../account', status: 'starting' }, 'no valid id'],
    [{ id: 'a', status: 'dreaming' }, 'unknown status "dreaming"'],
    [{ id: 'a' }, 'unknown status'],
  ])('is refused as %j', (body, message) => {
    expect(() => readPrediction(body)).toThrow(message);
  });

  it('is asked for ever more rarely', () => {
    expect([0, 1, 2, 20].map((n) => pollDelay(n, 100))).toEqual([100, 150, 225, 1000]);
  });
});

describe('the output of a model', () => {
  it('is text when it is a string or pieces of one', () => {
    expect(sortOutput(['a', 'b'], api)).toMatchObject({ text: 'ab', files: [] });
    expect(sortOutput('a', api).text).toBe('a');
    expect(sortOutput({ a: 'b' }, api).text).toBeNull();
    expect(sortOutput([], api).text).toBeNull();
    expect(sortOutput(null, api).text).toBeNull();
  });

  it('has the files of the API and of its delivery hosts, each once, wherever they stand', () => {
    const one = 'https://replicate.delivery/x/out.png';
    const two = 'https://a.replicate.delivery/out.mp4';
    const sorted = sortOutput({ images: [one, two, one], note: 'see https://replicate.delivery/' }, api);
    expect(sorted.files.map(({ url, stem }) => [url.href, stem])).toEqual([
      [one, 'files/output-0'],
      [two, 'files/output-1'],
    ]);
    expect(sorted.describe(({ stem }) => stem)).toEqual({
      images: ['files/output-0', 'files/output-1', 'files/output-0'],
      note: 'see https://replicate.delivery/',
    });
  });

  it.each([
    'http://169.254.169.254/latest/meta-data',
    'https://replicate.delivery.evil.example/x',
    'https://evilreplicate.delivery/x',
    'http://replicate.delivery/x',
    'file:///etc/passwd',
  ])('is not fetched from %s', (url) => {
    expect(sortOutput([url], api).files).toEqual([]);
  });

  it('has the media type that its host tells, if that is one, and a fitting extension', () => {
    const at = (path: string) => new URL(`https://replicate.delivery/${path}`);
    expect(fileType(at('x.PNG'), 'image/png; charset=binary')).toEqual({ mime: 'image/png', extension: 'png' });
    expect(fileType(at('x.obj'), null)).toEqual({ mime: 'application/octet-stream', extension: 'obj' });
    expect(fileType(at('x'), 'multipart/weird; x')).toEqual({ mime: 'application/octet-stream', extension: 'bin' });
  });
});

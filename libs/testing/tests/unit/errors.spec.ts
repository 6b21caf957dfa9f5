import { describe, expect, it } from '@jest/globals';
import { fail, PinlaneError } from '@pinlane/contracts';
import { codeOf, errorOf, errorOfSync, problemsOf, problemsOfSync } from '../../src/index.ts';

const refuse = (): never => {
  throw new PinlaneError([
    { code: 'ERR_REF_INVALID', file: 'a.yaml', line: 2, column: 1, message: 'no ref' },
    { code: 'ERR_PIN_STALE', message: 'stale' },
  ]);
};
const refuseLater = async (): Promise<never> => refuse();
const stumble = (): never => {
  throw new TypeError('something else');
};
const stumbleLater = async (): Promise<never> => stumble();

describe('the error that some work ends with', () => {
  it('is handed over with its code, places and exit code', async () => {
    const expected = { code: 'ERR_REF_INVALID', exitCode: 1, problems: [{ file: 'a.yaml', line: 2, column: 1 }, { code: 'ERR_PIN_STALE' }] };
    expect(errorOfSync(refuse)).toMatchObject(expected);
    expect(await errorOf(refuse)).toMatchObject(expected);
    expect(await errorOf(refuseLater)).toMatchObject(expected);
    expect([await codeOf(refuse), await codeOf(refuseLater)]).toEqual(['ERR_REF_INVALID', 'ERR_REF_INVALID']);
    expect(errorOfSync(() => fail('ERR_PIN_STALE', 'stale')).exitCode).toBe(2);
  });

  it('is missed when there is none', async () => {
    expect(() => errorOfSync(() => 1)).toThrow('an error was expected, and there was none');
    await expect(codeOf(async () => 1)).rejects.toThrow('an error was expected, and there was none');
    await expect(errorOf(async () => 1)).rejects.toThrow('an error was expected, and there was none');
  });

  it('is thrown on when it is of another kind', async () => {
    expect(() => errorOfSync(stumble)).toThrow(TypeError);
    expect(() => problemsOfSync(stumble)).toThrow(TypeError);
    await expect(errorOf(stumbleLater)).rejects.toThrow(TypeError);
    await expect(problemsOf(stumbleLater)).rejects.toThrow(TypeError);
  });
});

describe('the problems that some work ends with', () => {
  it('are all that the error tells', async () => {
    const codes = ['ERR_REF_INVALID', 'ERR_PIN_STALE'];
    expect(problemsOfSync(refuse).map(({ code }) => code)).toEqual(codes);
    expect((await problemsOf(refuseLater)).map(({ code }) => code)).toEqual(codes);
  });

  it('are none when it ends well', async () => {
    expect(problemsOfSync(() => 1)).toEqual([]);
    expect(await problemsOf(async () => 1)).toEqual([]);
  });
});

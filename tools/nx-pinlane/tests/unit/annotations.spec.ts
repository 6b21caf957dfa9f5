import { describe, expect, it } from '@jest/globals';
import { annotationOf } from '../../src/command/annotations.ts';

describe('the annotation of a problem', () => {
  it('is at its line', () => {
    expect(annotationOf({ code: 'ERR_PIN_STALE', file: 'processors/a/registry.yaml', line: 3, column: 5, message: 'parted', fix: 'pin anew' })).toBe(
      '::error file=processors/a/registry.yaml,line=3,col=5,title=ERR_PIN_STALE::parted%0Afix: pin anew',
    );
  });

  it.each(['a\n::warning::b', 'a\r\n::stop-commands::x', 'a%0A::error::b', '::error::a'])('is one command, whatever is said: %j', (message) => {
    const text = annotationOf({ code: 'ERR_PIN_STALE', file: 'a,line=9::b\n', message, fix: 'none' });
    expect(text).not.toMatch(/[\r\n]/);
    expect(text).toMatch(/^::error file=[^:,\n]*,title=ERR_PIN_STALE::/);
  });
});

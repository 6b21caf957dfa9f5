import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { planProcessor } from '../../../src/generators/processor/options.ts';

const schema = JSON.parse(readFileSync(new URL('../../../src/generators/processor/schema.json', import.meta.url), 'utf8')) as {
  readonly properties: { readonly port: { readonly default: number }; readonly base: { readonly default: string } };
};

describe('a processor that is asked for', () => {
  it('has the port and the base that the schema shows as defaults, if none are named', () => {
    const { port, base } = schema.properties;
    expect(planProcessor({ ref: 'acme/echo@1' })).toEqual(planProcessor({ ref: 'acme/echo@1', port: port.default, base: base.default }));
    expect(planProcessor({ ref: 'acme/echo@1' }).port).toBe(port.default);
  });

  it('listens where one that is not root may', () => {
    expect(planProcessor({ ref: 'acme/echo@1', port: 1024 }).port).toBe(1024);
    expect(() => planProcessor({ ref: 'acme/echo@1', port: 80 })).toThrow('ERR_OPTION_INVALID: --port "80" is not a port for a processor: 1024 to 65535');
  });

  it('is refused with the value of a secret, which is not repeated', () => {
    const plan = () => planProcessor({ ref: 'acme/echo@1', secret: ['ACME_KEY=hunter2canary'] });
    expect(plan).toThrow('ERR_OPTION_INVALID: --secret takes a name alone, without a value');
    expect(plan).not.toThrow('hunter2canary');
  });

  it.each(['acme/echo@0', 'acme/echo@01', 'acme/echo@99999'])('is refused with the major of %s, and told what one is', (ref) => {
    expect(() => planProcessor({ ref })).toThrow(/ERR_REF_INVALID: [^]*a major from 1 to 9999/);
  });
});

import { describe, expect, it } from '@jest/globals';
import { listPorts, parsePorts, withPorts } from '../../src/assemble/ports.ts';

const NONE = { inherited: [], own: new Map<string, Uint8Array>() };
const listed = (text: string) => [...listPorts(withPorts(NONE, [parsePorts(text)!]))];

describe('parsePorts', () => {
  it.each([
    ['80', ['80/tcp']],
    ['80/', ['80/tcp']],
    ['80/UDP', ['80/udp']],
    ['0', ['0/tcp']],
    ['0080', ['80/tcp']],
    ['+80', ['80/tcp']],
    ['65535/sctp', ['65535/sctp']],
    ['8000-8002', ['8000/tcp', '8001/tcp', '8002/tcp']],
    ['8000-8000/udp', ['8000/udp']],
    ['8080:8080', ['8080/tcp']],
    ['1-3:4-6', ['4/tcp', '5/tcp', '6/tcp']],
    ['8000-9000:80', ['80/tcp']],
    [':80', ['80/tcp']],
    ['127.0.0.1:8080:80/udp', ['80/udp']],
    ['127.0.0.1::80', ['80/tcp']],
    ['[::1]:8080:80', ['80/tcp']],
    ['::1:8080:80', ['80/tcp']],
  ])('reads %s as BuildKit does', (text, ports) => {
    expect(listed(text)).toEqual(ports);
  });

  it('lists every port once', () => {
    expect(listed('0-65535')).toHaveLength(65_536);
  });

  it.each([
    '',
    'x',
    '80/x',
    '65536',
    '-1',
    '1.5',
    '80-',
    '-80',
    '9-8',
    '80:',
    'x:80',
    '1-3:4-5',
    '1:4-5',
    '1.2.3:80:80',
    '[::1:80:80',
    '[x]:1:2',
    '1:2:3',
    '80,81',
    ' 80',
    '0x50',
    '1e3',
  ])('does not take %j for a port', (text) => {
    expect(parsePorts(text)).toBeUndefined();
  });
});

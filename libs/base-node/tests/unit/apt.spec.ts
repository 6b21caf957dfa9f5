import { describe, expect, it } from '@jest/globals';
import { aptSettings } from '../../src/debian/apt.ts';
import { installedState, parseSimulation, parseStanzas, releasePreferences } from '../../src/debian/control.ts';
import { archiveName } from '../../src/downloads/obtain.ts';
import { digest } from '../support/lock.ts';

describe('what apt prints', () => {
  it('is read stanza by stanza, folded lines joined', () => {
    const [first, second, ...more] = parseStanzas('Package: a\nVersion: 1:2.0~rc1-1\nDescription: short\n long\n .\n\n\nPackage: b\r\nSize: 7\n');
    expect(first?.get('version')).toBe('1:2.0~rc1-1');
    expect(first?.get('description')).toBe('short\nlong\n.');
    expect(second?.get('size')).toBe('7');
    expect(more).toEqual([]);
  });

  it('tells from a simulation what would be installed, and from which version', () => {
    const output = [
      'NOTE: This is only a simulation!',
      'Inst gcc-12-base (12.2.0-14+deb12u1 Debian:12.15/oldstable [amd64])',
      'Inst libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [amd64]) []',
      'Inst tzdata [2025b-0] (2026f-0+deb12u1 Debian-Security:12/oldstable-security [all])',
      'Inst libfoo:arm64 (1 Debian:12 [arm64])',
      'Conf libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [amd64])',
    ].join('\n');
    expect(parseSimulation(output)).toEqual([
      { name: 'gcc-12-base', version: '12.2.0-14+deb12u1' },
      { name: 'libc6', version: '2.36-9+deb12u14' },
      { name: 'tzdata', version: '2026f-0+deb12u1' },
      { name: 'libfoo', version: '1' },
    ]);
  });
});

describe('what apt is told', () => {
  it('lets in one release of Debian with its updates and security fixes, and nothing else, not even of the same name by others', () => {
    const text = releasePreferences('bookworm');
    expect(text.match(/Pin: .*/g)).toEqual([
      'Pin: release o=Debian, n=bookworm',
      'Pin: release o=Debian, n=bookworm-updates',
      'Pin: release o=Debian, n=bookworm-security',
      'Pin: release o=*',
    ]);
    expect(text.match(/Pin-Priority: .*/g)).toEqual(['Pin-Priority: 990', 'Pin-Priority: 990', 'Pin-Priority: 990', 'Pin-Priority: -1']);
  });

  it('takes packages that stay out for installed, with what they provide', () => {
    const known = parseStanzas('Package: mawk\nProvides: awk\n\nPackage: other\nProvides: thing\n');
    const [mawk, debconf] = parseStanzas(installedState(['mawk', 'debconf'], known));
    expect(mawk?.get('status')).toBe('install ok installed');
    expect(mawk?.get('provides')).toBe('awk');
    expect(debconf?.get('package')).toBe('debconf');
    expect(debconf?.has('provides')).toBe(false);
  });

  it('never asks it to do without signatures, and lets it write below its own folder alone', () => {
    const settings = aptSettings({ architecture: 'arm64', stateDir: '/w/apt' }).filter((one) => one !== '-o');
    const insecure = settings.filter((one) => /Allow|Unauthenticated|trusted|Verify|Check-Valid|NoCheck/i.test(one));
    expect(insecure.every((one) => one.endsWith('=false'))).toBe(true);
    expect(insecure.length).toBeGreaterThan(0);
    const folders = settings.filter((one) => /^Dir::(State|Cache|Etc)/.test(one) && one.includes('/'));
    expect(folders.every((one) => one.includes('=/w/apt/'))).toBe(true);
  });

  it('is found again under the name that it gives to an archive', () => {
    const one = { name: 'libattr1', version: '1:2.5.1-4', architecture: 'amd64', size: 1, digest: digest('a') } as const;
    expect(archiveName(one)).toBe('libattr1_1%3a2.5.1-4_amd64.deb');
  });
});

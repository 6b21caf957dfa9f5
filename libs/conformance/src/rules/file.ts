import { basename } from 'node:path';
import { must } from './rule.ts';
import type { Exchange, Session } from '../subject/session.ts';

/** The text of a file that a run must have left, by its path below the artifacts root. @throws Violation if it is not there, Unreadable */
export const fileText = async (session: Session, { on }: Pick<Exchange, 'on'>, path: string): Promise<string> => {
  const bytes = await session.artifacts(on).read(path);
  must(bytes !== undefined, `${basename(path)} is not there`);
  return bytes.toString('utf8');
};

import { readSmallFile } from '@pinlane/oci';

/** What inference reads of the files by which others say something about a project. */
export interface ProjectJson {
  readonly name?: string;
  readonly targets?: Readonly<Record<string, { readonly dependsOn?: unknown; readonly configurations?: unknown } | undefined>>;
  /** In a package.json. */
  readonly nx?: ProjectJson;
}

/** The largest one that is read, in bytes. */
const LIMIT = 1024 * 1024;

/** A project.json or package.json; null if there is none, or it can't be read: then Nx complains. */
export const readProjectJson = (path: string): ProjectJson | null => {
  try {
    const file = readSmallFile(path, LIMIT);
    return file.kind === 'file' ? (JSON.parse(Buffer.from(file.bytes).toString('utf8')) as ProjectJson | null) : null;
  } catch {
    return null;
  }
};

/** Where an instruction stands, from 1, and its text on one line. */
interface Written {
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

/** A value as it is written, with its quotes and variables. */
export type Raw = string;

/** A command in the JSON form, or a line for the shell. */
export type CommandForm = { readonly form: 'exec'; readonly argv: readonly string[] } | { readonly form: 'shell'; readonly line: string };

export type NamedValue = { readonly name: Raw; readonly value: Raw };

/** Times in nanoseconds, as the image configuration has them. */
export interface HealthTimes {
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

export interface ArgInstruction extends Written {
  readonly kind: 'arg';
  readonly entries: readonly { readonly name: string; readonly value: Raw | undefined }[];
}

/** A file that is written in the Dockerfile itself. */
export interface InlineFile {
  readonly name: string;
  readonly text: string;
  /** Whether variables in the text are expanded, which is so unless its name is written in quotes. */
  readonly expand: boolean;
}

export interface CopyInstruction extends Written {
  readonly kind: 'copy';
  readonly keyword: 'COPY' | 'ADD';
  readonly sources: readonly Raw[];
  /** Here-documents; they come after the sources. */
  readonly documents: readonly InlineFile[];
  readonly destination: Raw;
  /** A stage's name or number, or an image; undefined for the build context. */
  readonly from: string | undefined;
  readonly chown: Raw | undefined;
  readonly chmod: Raw | undefined;
}

export type Instruction =
  | ArgInstruction
  | CopyInstruction
  | (Written & { readonly kind: 'env' | 'label'; readonly pairs: readonly NamedValue[] })
  | (Written & { readonly kind: 'workdir'; readonly value: Raw })
  | (Written & { readonly kind: 'user' | 'stopsignal' | 'maintainer'; readonly value: Raw })
  | (Written & { readonly kind: 'expose' | 'volume'; readonly values: readonly Raw[] })
  | (Written & { readonly kind: 'entrypoint' | 'cmd'; readonly command: CommandForm })
  | (Written & { readonly kind: 'shell'; readonly argv: readonly string[] })
  | (Written & { readonly kind: 'healthcheck'; readonly check: 'none' | { readonly command: CommandForm; readonly times: HealthTimes } })
  /** What only Docker can carry out, which is a problem only if the stage is needed. `from` names the stages and images that it reads, as COPY does. */
  | (Written & { readonly kind: 'unsupported'; readonly what: string; readonly from: readonly string[] });

export interface Stage extends Written {
  readonly index: number;
  readonly name: string | undefined;
  readonly image: Raw;
  readonly platform: Raw | undefined;
  readonly instructions: readonly Instruction[];
}

/** A Dockerfile whose every line is valid. */
export interface ParsedDockerfile {
  /** For messages. */
  readonly file: string;
  readonly escape: string;
  /** The image that the parser directive `syntax` names. */
  readonly syntax: string | undefined;
  /** ARGs before the first FROM. */
  readonly globals: readonly ArgInstruction[];
  /** At least one. */
  readonly stages: readonly Stage[];
}

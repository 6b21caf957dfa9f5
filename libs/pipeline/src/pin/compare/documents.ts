type Json = unknown;
type JsonObject = Readonly<Record<string, Json>>;

/** Where in a document something differs, as `config.Labels.team`, and how. */
export interface DocumentDifference {
  readonly at: string;
  readonly message: string;
}

/** Variables may hold what nobody should read in a log, so their values are not shown, wherever they stand: in `Env`, or in an instruction. */
interface Place {
  readonly at: string;
  readonly ofVariables: boolean;
  readonly isInstruction: boolean;
}

/** How many characters of a key and of a value are shown. */
const [LONGEST_KEY, LONGEST_VALUE] = [80, 120];

const isObject = (value: Json): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);
const isTexts = (value: Json): value is readonly string[] => Array.isArray(value) && value.every((each) => typeof each === 'string');

const shown = (value: Json): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
};

/** An instruction of a Dockerfile as a history has it, up to the first value that it gives to a name. */
export const instructionShown = (instruction: string): string => {
  const [name = '', ...values] = instruction.slice(0, LONGEST_VALUE).split('=');
  return values.length > 0 ? `${name}=…` : name;
};

const countOf = (texts: readonly string[]): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
};

/** The texts of a list that another has not, or has not as often. */
const without = (texts: readonly string[], others: readonly string[]): string[] => {
  const left = countOf(others);
  return texts.filter((text) => {
    const many = left.get(text) ?? 0;
    left.set(text, many - 1);
    return many <= 0;
  });
};

const nameOf = (variable: string): string => variable.slice(0, Math.max(0, variable.indexOf('='))) || variable;

function* variableDifferences(at: string, pinned: readonly string[], built: readonly string[]): Generator<DocumentDifference> {
  const [before, after] = [without(pinned, built).map(nameOf), without(built, pinned).map(nameOf)];
  const [inPinned, inBuilt] = [new Set(before), new Set(after)];
  for (const name of inPinned) yield { at, message: inBuilt.has(name) ? `${name} has another value` : `${name} is in the pinned image alone` };
  for (const name of inBuilt) if (!inPinned.has(name)) yield { at, message: `${name} is missing in the pinned image` };
}

function* textDifferences(at: string, pinned: readonly string[], built: readonly string[]): Generator<DocumentDifference> {
  for (const text of without(pinned, built)) yield { at, message: `${shown(text)} is in the pinned image alone` };
  for (const text of without(built, pinned)) yield { at, message: `${shown(text)} is missing in the pinned image` };
}

function* listDifferences({ at, ofVariables }: Place, pinned: readonly Json[], built: readonly Json[]): Generator<DocumentDifference> {
  if (!isTexts(pinned) || !isTexts(built)) {
    for (let position = 0; position < Math.max(pinned.length, built.length); position += 1)
      yield* differencesAt({ at: `${at}[${position}]`, ofVariables, isInstruction: false }, pinned[position], built[position]);
    return;
  }
  let some = false;
  for (const difference of ofVariables ? variableDifferences(at, pinned, built) : textDifferences(at, pinned, built)) {
    some = true;
    yield difference;
  }
  if (!some && pinned.some((text, position) => text !== built[position])) yield { at, message: 'the same in another order' };
}

const valueOf = (object: JsonObject, key: string): Json => (Object.hasOwn(object, key) ? object[key] : undefined);

function* objectDifferences({ at, ofVariables }: Place, pinned: JsonObject, built: JsonObject): Generator<DocumentDifference> {
  for (const key of new Set([...Object.keys(pinned), ...Object.keys(built)])) {
    const name = key.slice(0, LONGEST_KEY);
    const place = { at: at === '' ? name : `${at}.${name}`, ofVariables: ofVariables || key === 'Env', isInstruction: key === 'created_by' };
    yield* differencesAt(place, valueOf(pinned, key), valueOf(built, key));
  }
}

function* differencesAt(place: Place, pinned: Json, built: Json): Generator<DocumentDifference> {
  const { at, ofVariables, isInstruction } = place;
  if (pinned === built) return;
  if (isObject(pinned) && isObject(built)) return yield* objectDifferences(place, pinned, built);
  if (Array.isArray(pinned) && Array.isArray(built)) return yield* listDifferences(place, pinned, built);
  const show = (value: Json): string => {
    if (ofVariables) return 'this';
    return shown(isInstruction && typeof value === 'string' ? instructionShown(value) : value);
  };
  if (ofVariables && isTexts(pinned ?? []) && isTexts(built ?? []))
    yield* listDifferences(place, (pinned ?? []) as readonly string[], (built ?? []) as readonly string[]);
  else if (built === undefined) yield { at, message: `${show(pinned)} is in the pinned image alone` };
  else if (pinned === undefined) yield { at, message: `${show(built)} is missing in the pinned image` };
  else yield { at, message: ofVariables ? 'has another value' : `pinned ${show(pinned)}, built ${show(built)}` };
}

/**
 * Where two documents of JSON differ, which are nested as deep as `parseStrictJson` allows at most. Undefined stands for what is not there. Values of
 * variables, which are in `Env`, are not shown.
 */
export const documentDifferences = (pinned: Json, built: Json): Generator<DocumentDifference> =>
  differencesAt({ at: '', ofVariables: false, isInstruction: false }, pinned, built);

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Gives the fields of a JSON object the names that a struct in Go has for them, as Go's encoding/json does ("Unmarshal"): a name fits in any case, a null
 * leaves the field as it is, and of several the last counts, but maps are merged. Other fields are left out.
 * @returns a function that takes any JSON, and gives back as it is what is no object
 */
export const goFields = (...names: readonly string[]): ((value: unknown) => unknown) => {
  const byFold = new Map(names.map((name) => [name.toLowerCase(), name]));
  return (value) => {
    if (!isObject(value)) return value;
    const fields: Record<string, unknown> = {};
    for (const [key, given] of Object.entries(value)) {
      const name = byFold.get(key.toLowerCase());
      if (name === undefined || given === null) continue;
      const before = fields[name];
      fields[name] = isObject(before) && isObject(given) ? { ...before, ...given } : given;
    }
    return fields;
  };
};

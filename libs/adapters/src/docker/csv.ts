/** A text as Docker's client reads it as one field of a CSV record. */
export const csv = (field: string): string => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);

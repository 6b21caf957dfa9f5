/** What Docker's client reads as one field of a CSV record. */
export const csv = (field: string): string => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);

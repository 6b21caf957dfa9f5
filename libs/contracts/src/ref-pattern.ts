const NAME = '[a-z0-9]+(?:-[a-z0-9]+)*';

/** The longest that a ref may be, in characters. */
export const REF_MAX_LENGTH = 80;

/** Matches `namespace/name@major` and captures the three. This file imports nothing, because inference reads every ref before each Nx command. */
export const REF_PATTERN = new RegExp(`^(${NAME})/(${NAME})@([1-9][0-9]{0,3})$`);

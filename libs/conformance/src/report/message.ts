import { cutOff, plainText } from '@pinlane/contracts';

/** The longest message of a check, in characters. */
const MESSAGE_AT_MOST = 10_000;

/** A message as a check carries it: without anything that a terminal obeys, and cut off. Much of it may be the words of a processor. */
export const messageText = (message: string): string => cutOff(plainText(cutOff(message, MESSAGE_AT_MOST)), MESSAGE_AT_MOST);

import { isPinlaneError, type ErrorCode, type PinlaneError, type Problem } from '@pinlane/contracts';

const pinlaneError = (thrown: unknown): PinlaneError => {
  if (isPinlaneError(thrown)) return thrown;
  throw thrown;
};

const noError = (): never => {
  throw new Error('an error was expected, and there was none');
};

/**
 * The Pinlane error that some work ends with, for a test to look at its code, its problems with their places, and its exit code. A test fails
 * on anything else that the work throws, and if it throws nothing.
 */
export const errorOf = async (work: () => unknown): Promise<PinlaneError> => {
  try {
    await work();
  } catch (thrown) {
    return pinlaneError(thrown);
  }
  return noError();
};

/** {@link errorOf} for work that is done when it returns. */
export const errorOfSync = (work: () => unknown): PinlaneError => {
  try {
    work();
  } catch (thrown) {
    return pinlaneError(thrown);
  }
  return noError();
};

/** The code of {@link errorOf}. */
export const codeOf = async (work: () => unknown): Promise<ErrorCode> => (await errorOf(work)).code;

/** The problems of a Pinlane error that some work ends with; none if it ends well. A test fails on anything else that the work throws. */
export const problemsOf = async (work: () => unknown): Promise<readonly Problem[]> => {
  try {
    await work();
  } catch (thrown) {
    return pinlaneError(thrown).problems;
  }
  return [];
};

/** {@link problemsOf} for work that is done when it returns. */
export const problemsOfSync = (work: () => unknown): readonly Problem[] => {
  try {
    work();
  } catch (thrown) {
    return pinlaneError(thrown).problems;
  }
  return [];
};

import { randomInt } from "node:crypto";

/** Seeds are whole numbers from 0 to this. */
export const MAX_SEED = 2 ** 32 - 1;

/**
 * Returns the options that `read` reads from the command line. Ends the process with 0 after printing the help if it
 * returns `help`, and with 2 if it throws.
 */
export function readCommandLine<Options>(help: string, read: () => Options | "help"): Options {
  try {
    const options = read();
    if (options !== "help") return options;
    process.stdout.write(help);
    return process.exit(0);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
    return process.exit(2);
  }
}

/** Returns an option's value. Throws if it is not a whole number in this range. */
export function wholeNumber(name: string, text: string, min: number, max = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
  throw new Error(`--${name} must be a whole number ${range}, not ${JSON.stringify(text)}`);
}

/** Returns a seed as an option's default value. */
export function randomSeed(): string {
  return String(randomInt(MAX_SEED));
}

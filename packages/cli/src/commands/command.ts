import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import type { Result } from "@dossier/service";
import { describeError } from "@dossier/service/error";
import { printError } from "../terminal/print.ts";

/** Returns a command whose misuse is thrown, for `main` to exit with 2. */
export function createCommand(name: string): Command {
  return new Command(name)
    .exitOverride()
    .showHelpAfterError("(--help shows what is possible)")
    .helpOption("-h, --help", "show this help")
    .helpCommand(false);
}

/** Prints a failure to stderr, and sets the exit code to 1. */
export function reportResult(result: Result<unknown>): void {
  if (result.ok) return;
  printError(...result.error.split("\n"));
  process.exitCode = 1;
}

/** Returns an error and its cause as lines. A cause that the message quotes stands there alone. */
export function formatError(error: unknown): readonly string[] {
  const { message, cause } = describeError(error);
  const isQuoted = cause === undefined || message.includes(cause.message);
  return (isQuoted ? message : `${message}: ${cause.message}`).split("\n");
}

/** Returns the exit codes for a command's help; 2 is the same for all. */
export function formatExitCodes({ success, failure }: { success: string; failure: string }): string {
  return [
    "",
    "Exit codes:",
    `  0  ${success}`,
    `  1  ${failure}`,
    "  2  unknown command, option or value",
  ].join("\n");
}

/** Joins paragraphs for a command's help, which wraps them at the terminal's width. */
export function joinParagraphs(...paragraphs: readonly string[]): string {
  return paragraphs.map((paragraph) => paragraph.replace(/\s+/g, " ")).join("\n\n");
}

/** Returns a parser of option values that are whole numbers in a range. */
export function integerParser(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** Parses an option value from 0 to 1. */
export function parseShare(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("It must be a share from 0 to 1, such as 0.1.");
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Returns the seconds of an age such as `30m`, `2h`, `7d`; `undefined` if it is none. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit = ""] = /^(\d{1,5})([smhd])$/.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * (UNIT_SECONDS[unit] ?? 0);
}

export function parseHttpUrl(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new InvalidArgumentError("It must be a URL that begins with http:// or https://.");
}

export function parseDeliveryId(text: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError("It must be a delivery's id, such as 0197f3a2-7c1e-7d11-8a35-3d1f5f0c2a77.");
}

import { Command } from "@commander-js/extra-typings";
import { describeError, type Result } from "@dossier/service";

/** A command whose misuse is thrown, for `main` to end the process with 2. */
export function command(name: string): Command {
  return new Command(name)
    .exitOverride()
    .showHelpAfterError("(--help shows what is possible)")
    .helpOption("-h, --help", "show this help")
    .helpCommand(false);
}

/** The edge of a command: what went wrong goes to stderr, and makes the exit code 1. */
export function conclude(result: Result<unknown>): void {
  if (result.ok) return;
  process.stderr.write(`${result.error}\n`);
  process.exitCode = 1;
}

/** What was thrown, for a person: in a line, with what caused it. */
export function described(error: unknown): string {
  const { message, cause } = describeError(error);
  return cause === undefined ? message : `${message}: ${cause.message}`;
}

/** A command's exit codes as its help lists them; 2 is the same for all. */
export function exitCodes({ done, failed }: { done: string; failed: string }): string {
  return [
    "",
    "Exit codes:",
    `  0  ${done}`,
    `  1  ${failed}`,
    "  2  called with an unknown command, option or value",
  ].join("\n");
}

/** Prose for a command's help, which breaks its lines as the terminal is wide. */
export function paragraphs(...texts: readonly string[]): string {
  return texts.map((text) => text.replace(/\s+/g, " ")).join("\n\n");
}

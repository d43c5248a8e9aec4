import { CommanderError, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { version } from "@dossier/service/version";
import { createCommand, formatError } from "./commands/command.ts";
import { printError } from "./terminal/print.ts";

const FAILED = 1;
const MISUSED = 2;

/** Each is loaded when it may be what is run, as loading takes longer than most commands. */
export const COMMANDS = new Map<string, () => Promise<CommandUnknownOpts>>([
  ["up", async () => (await import("./commands/up.ts")).upCommand],
  ["migrate", async () => (await import("./commands/migrate.ts")).migrateCommand],
  ["send", async () => (await import("./commands/send.ts")).sendCommand],
  ["simulate", async () => (await import("./commands/simulate.ts")).simulateCommand],
  ["status", async () => (await import("./commands/status.ts")).statusCommand],
  ["ready", async () => (await import("./commands/ready.ts")).readyCommand],
  ["why", async () => (await import("./commands/why/why.ts")).whyCommand],
  ["delivery", async () => (await import("./commands/delivery.ts")).deliveryCommand],
  ["failing", async () => (await import("./commands/failing.ts")).failingCommand],
  ["dead", async () => (await import("./commands/dead/dead.ts")).deadCommand],
  ["secrets", async () => (await import("./commands/secrets.ts")).secretsCommand],
  ["token", async () => (await import("./commands/token/token.ts")).tokenCommand],
  ["rebuild", async () => (await import("./commands/rebuild.ts")).rebuildCommand],
  ["verify", async () => (await import("./commands/verify.ts")).verifyCommand],
  ["export", async () => (await import("./commands/export.ts")).exportCommand],
]);

/** Runs the command that these arguments name, to its end. Sets `process.exitCode`; prints what failed. */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  try {
    const program = createCommand("dossier")
      .description("Every person's KYC file, built from iComply's webhooks.")
      .version(version);
    const named = COMMANDS.get(args[0] ?? "");
    for (const load of named ? [named] : COMMANDS.values()) program.addCommand(await load());
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    // Commander has printed its message already, and calls every misuse 1.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : MISUSED;
    else {
      const [line = "", ...lines] = formatError(error);
      printError(`dossier: ${line}`, ...lines);
      process.exitCode = FAILED;
    }
  }
}

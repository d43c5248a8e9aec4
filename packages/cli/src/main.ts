import { CommanderError } from "@commander-js/extra-typings";
import { version } from "@dossier/service";
import { createCommand, formatError } from "./commands/command.ts";
import { deadCommand } from "./commands/dead/dead.ts";
import { exportCommand } from "./commands/export.ts";
import { migrateCommand } from "./commands/migrate.ts";
import { rebuildCommand } from "./commands/rebuild.ts";
import { sendCommand } from "./commands/send.ts";
import { simulateCommand } from "./commands/simulate.ts";
import { tokenCommand } from "./commands/token/token.ts";
import { upCommand } from "./commands/up.ts";
import { verifyCommand } from "./commands/verify.ts";
import { ignoreBrokenPipe } from "./terminal/stdout.ts";

const FAILED = 1;
const MISUSED = 2;

ignoreBrokenPipe();

try {
  await createCommand("dossier")
    .description("Every person's KYC file, built from iComply's webhooks.")
    .version(version)
    .addCommand(upCommand)
    .addCommand(migrateCommand)
    .addCommand(sendCommand)
    .addCommand(simulateCommand)
    .addCommand(deadCommand)
    .addCommand(tokenCommand)
    .addCommand(rebuildCommand)
    .addCommand(verifyCommand)
    .addCommand(exportCommand)
    .parseAsync();
} catch (error) {
  // Commander has printed its message already, and calls every misuse 1.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : MISUSED;
  else {
    process.stderr.write(`dossier: ${formatError(error)}\n`);
    process.exitCode = FAILED;
  }
}

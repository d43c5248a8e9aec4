import { version } from "@dossier/service";
import { command } from "./commands/command.ts";
import { deadCommand } from "./commands/dead/dead.ts";
import { exportCommand } from "./commands/export.ts";
import { migrateCommand } from "./commands/migrate.ts";
import { rebuildCommand } from "./commands/rebuild.ts";
import { sendCommand } from "./commands/send.ts";
import { simulateCommand } from "./commands/simulate.ts";
import { upCommand } from "./commands/up.ts";
import { verifyCommand } from "./commands/verify.ts";

/** The `dossier` command with all its subcommands. */
export function program() {
  return command("dossier")
    .description("Every person's KYC file, compiled from iComply's webhooks.")
    .version(version)
    .addCommand(upCommand())
    .addCommand(migrateCommand())
    .addCommand(sendCommand())
    .addCommand(simulateCommand())
    .addCommand(deadCommand())
    .addCommand(rebuildCommand())
    .addCommand(verifyCommand())
    .addCommand(exportCommand());
}

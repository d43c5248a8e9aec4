import { version } from "@dossier/service";
import { command } from "./commands/command.ts";
import { deadCommand } from "./commands/dead/dead.ts";
import { migrateCommand } from "./commands/migrate.ts";
import { sendCommand } from "./commands/send.ts";
import { simulateCommand } from "./commands/simulate.ts";
import { upCommand } from "./commands/up.ts";

/** The `dossier` command with all its subcommands. */
export function program() {
  return command("dossier")
    .description("Every person's KYC file, compiled from iComply's webhooks.")
    .version(version)
    .addCommand(upCommand())
    .addCommand(migrateCommand())
    .addCommand(sendCommand())
    .addCommand(simulateCommand())
    .addCommand(deadCommand());
}

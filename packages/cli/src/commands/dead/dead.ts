import { command } from "../command.ts";
import { discardCommand } from "./discard.ts";
import { listCommand } from "./list.ts";
import { redriveCommand } from "./redrive.ts";
import { showCommand } from "./show.ts";

/** What people do about deliveries that could not be settled as events. */
export function deadCommand() {
  return command("dead")
    .summary("find, show, redrive or discard dead letters")
    .description(
      "Dead letters: deliveries that could not be settled as events, and wait for a person to decide.",
    )
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(redriveCommand())
    .addCommand(discardCommand());
}

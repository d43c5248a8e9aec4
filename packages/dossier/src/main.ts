import { CommanderError } from "@commander-js/extra-typings";
import { described } from "./commands/command.ts";
import { program } from "./program.ts";

const FAILED = 1;
const MISUSED = 2;

// Who reads may have read enough, as `| head` has: that is no failure, and nobody is left to be told.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

try {
  await program().parseAsync();
} catch (error) {
  // Commander has said all there is to say, and calls every misuse 1.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : MISUSED;
  else {
    process.stderr.write(`dossier: ${described(error)}\n`);
    process.exitCode = FAILED;
  }
}

import { CommanderError } from "@commander-js/extra-typings";
import { described } from "./commands/command.ts";
import { program } from "./program.ts";
import { letReadersLeave } from "./terminal/stdout.ts";

const FAILED = 1;
const MISUSED = 2;

letReadersLeave();

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

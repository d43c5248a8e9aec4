import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Result } from "@dossier/service";

/** SQLite's code for a file that another process holds. */
const BUSY = 5;

/**
 * Takes a data folder for this process alone, until it ends, however it ends. Node itself locks no
 * files; SQLite does, and the system takes its locks away together with the process.
 */
export function takeFolder(dir: string): Result<Disposable> {
  const database = new DatabaseSync(join(dir, "lock"));
  try {
    database.exec("begin exclusive");
    return { ok: true, value: { [Symbol.dispose]: () => database.close() } };
  } catch (error) {
    database.close();
    const busy = error instanceof Error && "errcode" in error && error.errcode === BUSY;
    if (!busy) throw error;
    return {
      ok: false,
      error: `Another \`dossier up\` runs on ${dir}: stop that one first, or set DOSSIER_DATA_DIR to another folder.`,
    };
  }
}

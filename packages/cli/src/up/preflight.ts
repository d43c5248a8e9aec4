import { chmodSync } from "node:fs";
import { access, chmod, constants, mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describeError, type Result } from "@dossier/service";

/** SQLite's code for a file that another process has locked. */
const SQLITE_BUSY = 5;

/** Creates a data folder if it is missing. */
export async function createDataDir(dir: string): Promise<Result<void>> {
  try {
    const created = await mkdir(dir, { recursive: true, mode: 0o700 });
    // Root's Postgres runs as another user, who must reach its own folder. Whatever else is in this one is private itself.
    if (created !== undefined && process.getuid?.() === 0) await chmod(dir, 0o711);
    await access(dir, constants.R_OK | constants.W_OK | constants.X_OK);
    return { ok: true, value: undefined };
  } catch (error) {
    return {
      ok: false,
      error: `Cannot write to ${dir} (${describeError(error).message}): set DOSSIER_DATA_DIR to a folder that you can write to.`,
    };
  }
}

/**
 * Locks a data folder for this process, until it ends, however it ends. Node cannot lock files; SQLite can, and the
 * operating system releases its locks with the process.
 */
export function lockDataDir(dir: string): Result<Disposable> {
  const file = join(dir, "lock");
  const database = new DatabaseSync(file);
  try {
    chmodSync(file, 0o600);
    database.exec("begin exclusive");
    return { ok: true, value: { [Symbol.dispose]: () => database.close() } };
  } catch (error) {
    database.close();
    const busy = error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
    if (!busy) throw error;
    return {
      ok: false,
      error: `Another \`dossier up\` runs on ${dir}: stop that one first, or set DOSSIER_DATA_DIR to another folder.`,
    };
  }
}

/**
 * Checks that ports are free.
 *
 * @param ports by the variable that sets each; 0 is any free one
 */
export async function checkPorts(ports: Readonly<Record<string, number>>): Promise<Result<void>> {
  const checks = Object.entries(ports).map(async ([variable, port]) => {
    const problem = await checkPort(port);
    return problem === undefined ? [] : [`${variable} ${port} ${problem}: set ${variable} to another port.`];
  });
  const problems = (await Promise.all(checks)).flat();
  return problems.length === 0 ? { ok: true, value: undefined } : { ok: false, error: problems.join("\n") };
}

function checkPort(port: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const server = createServer();
  server.once("error", (error: NodeJS.ErrnoException) =>
    resolve(error.code === "EADDRINUSE" ? "is in use" : `cannot be used (${error.message})`),
  );
  server.listen(port, "127.0.0.1", () => server.close(() => resolve(undefined)));
  return promise;
}

import type { ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./port.ts";
import { childrenOf, exited, guard, launch, type Launch } from "./process.ts";

/** A server on the loopback interface that belongs to this process, which can kill, freeze and restart it. */
export interface LocalServer {
  readonly url: string;
  readonly port: number;
  /** The folder that holds its data. */
  readonly dir: string;
  /** The main process's id; a new one after each `restart`. */
  readonly pid: number;
  /**
   * Sends a signal, by default SIGKILL, and after SIGKILL resolves once the main process has ended. SIGKILL, SIGSTOP and
   * SIGCONT reach its child processes too: one that outlived the main process could still answer.
   */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same data and port; shuts it down first if it is running. */
  restart(): Promise<void>;
  /** Shuts it down, and removes its folder if that is temporary. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** The folder for its data, created if missing, and kept, with its log beside it. Default: a temporary one, no log. */
  readonly dir?: string;
  /** As in the server's own configuration. They are added to those of its kind. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** What differs between the kinds of servers. */
export interface ServerKind {
  readonly name: string;
  url(port: number): string;
  /** Prepares the data in `dir` if there are none, and returns how to start a server on them. */
  prepare(dir: string, port: number): Promise<Launch>;
}

/**
 * Starts a server that ends with this process at the latest, however this process ends. It does not receive the
 * terminal's Ctrl-C, so that it can be used until the end of a shutdown.
 */
export async function startServer(kind: ServerKind, options: ServerOptions): Promise<LocalServer> {
  const port = options.port ?? (await freePort());
  const { dir, remove } = await openFolder(kind.name, options.dir);

  let launchOptions: Launch;
  let child: ChildProcess;
  try {
    // Not in the folder: the server's user could put a link there, and have this process write to any file.
    const log = options.dir && `${dir}.log`;
    launchOptions = { ...(await kind.prepare(dir, port)), log };
    child = await launch(launchOptions);
  } catch (error) {
    await remove();
    throw error;
  }

  async function signalAll(signal: NodeJS.Signals): Promise<void> {
    for (const pid of await childrenOf(pidOf(child))) sendSignal(pid, signal);
    child.kill(signal);
  }

  /** Resumes frozen processes: they would neither handle the signal nor notice that the main one has ended. */
  async function end(signal: NodeJS.Signals): Promise<void> {
    child.kill(signal);
    await signalAll("SIGCONT");
    await exited(child);
  }

  return {
    url: kind.url(port),
    port,
    dir,
    get pid() {
      return pidOf(child);
    },
    async kill(signal = "SIGKILL") {
      if (signal === "SIGKILL" || signal === "SIGSTOP" || signal === "SIGCONT") await signalAll(signal);
      else child.kill(signal);
      if (signal === "SIGKILL") await exited(child);
    },
    async restart() {
      await end(launchOptions.stopSignal);
      child = await launch(launchOptions);
    },
    async stop() {
      await end(launchOptions.stopSignal);
      await remove();
    },
  };
}

async function openFolder(
  name: string,
  chosen: string | undefined,
): Promise<{ dir: string; remove(): Promise<void> }> {
  if (chosen !== undefined) {
    await mkdir(chosen, { recursive: true });
    return { dir: chosen, remove: () => Promise.resolve() };
  }
  const dir = await mkdtemp(join(tmpdir(), `dossier-${name}-`));
  // A server that ends at the same time may still be writing. The folder may have become a link to the real one.
  const dismiss = guard('sleep 5; rm -rf "$(readlink -f "$1")" "$1"', dir);
  return {
    dir,
    async remove() {
      await rm(await realpath(dir).catch(() => dir), { recursive: true, force: true });
      await rm(dir, { force: true });
      dismiss();
    },
  };
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error("the server has no process");
  return child.pid;
}

/** Does nothing if the process has ended. */
function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

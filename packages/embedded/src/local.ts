import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./port.ts";
import { childrenOf, gone, guard, launch, type Launch } from "./process.ts";

/** A server of one's own on the loopback interface, to be killed, frozen and brought back as a test likes. */
export interface LocalServer {
  readonly url: string;
  readonly port: number;
  /** Its data folder. */
  readonly dir: string;
  /** Of its main process; another one after each `restart`. */
  readonly pid: number;
  /**
   * Sends a signal, SIGKILL if none is named, and after SIGKILL resolves once its main process has gone.
   * SIGSTOP and SIGCONT reach the processes that it has started, too.
   */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same data and port; stops it in good order first where it runs. */
  restart(): Promise<void>;
  /** Stops it in good order, and removes its data folder unless that was given. */
  stop(): Promise<void>;
}

export interface LocalOptions {
  /** Default: a free one. */
  port?: number;
  /** Data folder, kept when the server stops. Default: a new one, which goes with the server. */
  dir?: string;
  /** As in the server's own configuration; added to what each kind of server sets by itself. */
  settings?: Readonly<Record<string, string>>;
}

/** What tells one kind of server from another. */
export interface Kind {
  name: string;
  url(port: number): string;
  /** Makes `dir` a data folder, unless it is one already, and says how to start a server on it. */
  prepare(dir: string, port: number): Promise<Launch>;
  stopSignal: NodeJS.Signals;
  /** Printed by a start that fails only because the processes of a killed server are not quite gone. */
  notYet?: string;
}

export async function startLocal(kind: Kind, options: LocalOptions): Promise<LocalServer> {
  const port = options.port ?? (await freePort());
  const { dir, discard } = options.dir === undefined ? await scratch(kind) : kept(options.dir);

  let how: Launch;
  let child: ChildProcess;
  try {
    how = await kind.prepare(dir, port);
    child = await launch(how);
  } catch (error) {
    await discard();
    throw error;
  }

  async function signalAll(signal: NodeJS.Signals): Promise<void> {
    for (const pid of await childrenOf(pidOf(child))) send(pid, signal);
    child.kill(signal);
  }

  /** Frozen processes are let go: they would neither heed the signal nor notice that the main one has gone. */
  async function halt(signal: NodeJS.Signals): Promise<void> {
    child.kill(signal);
    await signalAll("SIGCONT");
    await gone(child);
  }

  return {
    url: kind.url(port),
    port,
    dir,
    get pid() {
      return pidOf(child);
    },
    async kill(signal = "SIGKILL") {
      if (signal === "SIGKILL") await halt(signal);
      else if (signal === "SIGSTOP" || signal === "SIGCONT") await signalAll(signal);
      else child.kill(signal);
    },
    async restart() {
      await halt(kind.stopSignal);
      child = await launchAgain(how, kind.notYet);
    },
    async stop() {
      await halt(kind.stopSignal);
      await discard();
    },
  };
}

interface Folder {
  dir: string;
  discard(): Promise<void>;
}

function kept(dir: string): Folder {
  return { dir, discard: async () => {} };
}

async function scratch({ name }: Kind): Promise<Folder> {
  const dir = await mkdtemp(join(tmpdir(), `dossier-${name}-`));
  // A server that ends at the same time may still be writing.
  const dismiss = guard('sleep 5; rm -rf "$1"', dir);
  return {
    dir,
    async discard() {
      await rm(dir, { recursive: true, force: true });
      dismiss();
    },
  };
}

async function launchAgain(how: Launch, notYet: string | undefined): Promise<ChildProcess> {
  for (;;) {
    try {
      return await launch(how);
    } catch (error) {
      const wait = notYet !== undefined && error instanceof Error && error.message.includes(notYet);
      if (!wait) throw error;
    }
  }
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error("the server has no process");
  return child.pid;
}

/** Does nothing where the process has gone meanwhile. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

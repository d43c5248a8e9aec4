import { join } from "node:path";
import type { Scope } from "@dossier/testing";
import { startChild, type Child } from "../child.ts";

/** What a peer gets. */
export interface Places {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly secret: string;
}

/** Returns the places for filling them: commits do not wait until they are on the disk. */
export function withoutWaiting({ databaseUrl, ...others }: Places): Places {
  return { ...others, databaseUrl: `${databaseUrl}?options=-c%20synchronous_commit%3Doff` };
}

export interface Peer {
  readonly pid: number | undefined;
  /** Where it takes webhooks; 0 if it does not. */
  readonly port: number;
  /** How many deliveries it has settled. */
  settled(): Promise<number>;
}

/** Starts a peer: a module with a function `start`, in a process of its own. */
export async function startPeer(scope: Scope, module: string, places: Places): Promise<Peer> {
  const child: Child = startChild(scope, join(import.meta.dirname, "process.ts"));
  const port = await child.call<number | null>({ module, places });
  return { pid: child.pid, port: port ?? 0, settled: () => child.call("settled") };
}

/** Ends a peer's process, and so the benchmark: a peer that fails would only look slow. */
export function endPeer(error: unknown): void {
  // Libraries catch what their listeners throw.
  process.nextTick(() => {
    throw error;
  });
}

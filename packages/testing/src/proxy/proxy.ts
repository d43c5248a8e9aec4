import { once } from "node:events";
import { createServer } from "node:net";
import { freePort } from "@dossier/embedded";
import {
  forwardConnection,
  swallowConnection,
  type NetworkFault,
  type ProxiedConnection,
} from "./connection.ts";

/** A TCP proxy that injects network faults. */
export interface Proxy {
  /** The target's URL with the proxy's own address. */
  readonly url: string;
  readonly port: number;
  /** How many of its connections have lost something to a fault so far. */
  readonly brokenConnections: number;
  /** Replaces the fault of all connections, of those that are open and of those to come. */
  apply(fault: NetworkFault): void;
  /**
   * Ends the fault. A connection that has lost something is reset, as by a router that forgot it. All others continue.
   */
  restore(): void;
  /** Resets all connections and accepts no more. */
  close(): Promise<void>;
}

/**
 * Starts a proxy on the loopback interface, without a fault, in front of the TCP server that a URL names. While that
 * server is down, the proxy's connections are accepted and reset.
 */
export async function startProxy({ target }: { target: string }): Promise<Proxy> {
  const url = new URL(target);
  if (!url.port) throw new Error(`the proxy's target must name its port: ${url.protocol}//${url.hostname}`);
  const address = { host: url.hostname, port: Number(url.port) };
  const connections = new Set<ProxiedConnection>();
  let fault: NetworkFault = { kind: "none" };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const connection =
      fault.kind === "black-hole"
        ? swallowConnection(client)
        : forwardConnection(client, address, () => fault);
    connections.add(connection);
    void connection.closed.then(() => connections.delete(connection));
    if (fault.kind === "cut") connection.reset();
  });
  const port = await freePort();
  await once(server.listen(port, "127.0.0.1"), "listening");
  url.hostname = "127.0.0.1";
  url.port = String(port);

  const broken = () => [...connections].filter((connection) => connection.broken);
  const resetAll = (chosen: Iterable<ProxiedConnection>) => {
    for (const connection of chosen) connection.reset();
  };
  return {
    url: url.href,
    port,
    get brokenConnections() {
      return broken().length;
    },
    apply(next) {
      fault = next;
      if (fault.kind === "cut") resetAll(connections);
    },
    restore() {
      fault = { kind: "none" };
      resetAll(broken());
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      resetAll(connections);
      await closed;
    },
  };
}

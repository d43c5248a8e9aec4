import { once } from "node:events";
import { createServer } from "node:net";
import { freePort } from "@dossier/embedded";
import type { Fault } from "./fault.ts";
import { openLink, swallow, type Link } from "./link.ts";

export interface Proxy {
  /** The target's URL with the proxy's own address. */
  readonly url: string;
  readonly port: number;
  /** How many of its connections have lost something to a fault so far. */
  readonly torn: number;
  /** Puts a fault, in place of the one before, on the connections that there are and on all that come. */
  apply(fault: Fault): void;
  /**
   * Ends the fault. A connection that has lost something by then is reset, as by a router that forgot it;
   * all others carry on.
   */
  restore(): void;
  /** Resets all connections and takes no more. */
  close(): Promise<void>;
}

/**
 * A proxy on the loopback interface, with no fault yet, before the TCP server whose address stands in a URL.
 * Where that server is down, the proxy's connections are accepted and reset.
 */
export async function startProxy({ target }: { target: string }): Promise<Proxy> {
  const url = new URL(target);
  if (!url.port) throw new Error(`the proxy's target must name its port: ${url.protocol}//${url.hostname}`);
  const address = { host: url.hostname, port: Number(url.port) };
  const links = new Set<Link>();
  let fault: Fault = { kind: "none" };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const link = fault.kind === "black-hole" ? swallow(client) : openLink(client, address, () => fault);
    links.add(link);
    void link.closed.then(() => links.delete(link));
    if (fault.kind === "cut") link.reset();
  });
  const port = await freePort();
  await once(server.listen(port, "127.0.0.1"), "listening");
  url.hostname = "127.0.0.1";
  url.port = String(port);

  const reset = (chosen: (link: Link) => boolean) => {
    for (const link of links) if (chosen(link)) link.reset();
  };
  return {
    url: url.href,
    port,
    get torn() {
      return [...links].filter((link) => link.torn).length;
    },
    apply(next) {
      fault = next;
      if (fault.kind === "cut") reset(() => true);
    },
    restore() {
      fault = { kind: "none" };
      reset((link) => link.torn);
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      reset(() => true);
      await closed;
    },
  };
}

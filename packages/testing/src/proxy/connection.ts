import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** What a network can do to the connections that run over it. */
export type NetworkFault =
  | { kind: "none" }
  /** Resets every connection, and each new one as soon as it is accepted. */
  | { kind: "cut" }
  /** Everything arrives `ms` milliseconds late, in each direction. */
  | { kind: "delay"; ms: number }
  /** The target's bytes do not arrive, and neither side learns that the other has ended. */
  | { kind: "half-open" }
  /** Nothing arrives; new connections are accepted, and do not reach the target. */
  | { kind: "black-hole" };

/** A client's connection to the proxy, with the proxy's own to the target. */
export interface ProxiedConnection {
  /** Something was dropped, so its two sides no longer agree. */
  readonly broken: boolean;
  /** Resolves once both sides are closed. */
  readonly closed: Promise<unknown>;
  reset(): void;
}

/** Forwards a client's connection to the target, as the current fault allows. */
export function forwardConnection(
  client: Socket,
  target: { host: string; port: number },
  fault: () => NetworkFault,
): ProxiedConnection {
  const upstream = connect({ ...target, allowHalfOpen: true, noDelay: true });
  let broken = false;
  const onDropped = () => {
    broken = true;
  };
  forward({ from: client, to: upstream, direction: "request", fault, onDropped });
  forward({ from: upstream, to: client, direction: "response", fault, onDropped });
  return {
    get broken() {
      return broken;
    },
    closed: Promise.all([closed(client), closed(upstream)]),
    reset() {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    },
  };
}

/** Accepts a client's connection and forwards nothing. */
export function swallowConnection(client: Socket): ProxiedConnection {
  client.resume();
  return { broken: true, closed: closed(client), reset: () => void client.resetAndDestroy() };
}

function closed(socket: Socket): Promise<unknown> {
  // That a connection failed is forwarded; why is not needed.
  socket.on("error", () => {});
  return new Promise((resolve) => socket.once("close", resolve));
}

/** The most that is held back in one direction, beside what the sockets buffer; beyond it, the sender waits. */
const MAX_HELD_BYTES = 1024 * 1024;

interface Forwarding {
  from: Socket;
  to: Socket;
  direction: "request" | "response";
  fault(): NetworkFault;
  onDropped(): void;
}

/** Forwards one direction of a connection, always in order. */
function forward({ from, to, direction, fault, onDropped }: Forwarding): void {
  const queue: { due: number; item: Buffer | "end" }[] = [];
  let heldBytes = 0;
  let isSending = false;

  function enqueue(item: Buffer | "end"): void {
    const now = fault();
    queue.push({ due: performance.now() + (now.kind === "delay" ? now.ms : 0), item });
    if (item !== "end") heldBytes += item.length;
    if (heldBytes >= MAX_HELD_BYTES) from.pause();
    if (!isSending) void sendAll();
  }

  async function sendAll(): Promise<void> {
    isSending = true;
    for (let next = queue.shift(); next; next = queue.shift()) {
      const waitMs = next.due - performance.now();
      if (waitMs > 0) await delay(waitMs);
      await send(next.item);
      if (next.item !== "end") heldBytes -= next.item.length;
      if (heldBytes < MAX_HELD_BYTES) from.resume();
    }
    isSending = false;
  }

  async function send(item: Buffer | "end"): Promise<void> {
    if (to.destroyed || drops(fault(), direction, item === "end")) onDropped();
    else if (item === "end") to.end();
    else if (!to.write(item)) await new Promise((resolve) => to.once("drain", resolve));
  }

  from.on("data", enqueue);
  from.once("end", () => enqueue("end"));
  from.once("close", (reset) => {
    if (!reset) return;
    if (drops(fault(), direction, true)) onDropped();
    else to.resetAndDestroy();
  });
}

/** Whether what is sent in this direction, bytes or the connection's end, does not arrive. */
function drops(fault: NetworkFault, direction: Forwarding["direction"], isEnd: boolean): boolean {
  switch (fault.kind) {
    case "none":
    case "cut":
    case "delay":
      return false;
    case "half-open":
      return direction === "response" || isEnd;
    case "black-hole":
      return true;
  }
}

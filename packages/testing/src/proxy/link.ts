import { connect, type Socket } from "node:net";
import { carry } from "./carry.ts";
import type { Fault } from "./fault.ts";

/** A client's connection to the proxy, with the one to the target that carries it on. */
export interface Link {
  /** It has lost something, so its two sides no longer agree. */
  readonly torn: boolean;
  /** Resolves once both sides have gone. */
  readonly closed: Promise<unknown>;
  reset(): void;
}

/** Carries a client's connection on to the target. */
export function openLink(client: Socket, target: { host: string; port: number }, fault: () => Fault): Link {
  const onward = connect({ ...target, allowHalfOpen: true, noDelay: true });
  let torn = false;
  const lost = () => {
    torn = true;
  };
  carry({ from: client, to: onward, way: "there", fault, lost });
  carry({ from: onward, to: client, way: "back", fault, lost });
  return {
    get torn() {
      return torn;
    },
    closed: Promise.all([closing(client), closing(onward)]),
    reset() {
      client.resetAndDestroy();
      onward.resetAndDestroy();
    },
  };
}

/** Takes a client's connection and lets nothing through. */
export function swallow(client: Socket): Link {
  client.resume();
  return { torn: true, closed: closing(client), reset: () => void client.resetAndDestroy() };
}

function closing(socket: Socket): Promise<unknown> {
  // Why a connection fails is of no interest here: that it has gone is passed on.
  socket.on("error", () => {});
  return new Promise((resolve) => socket.once("close", resolve));
}

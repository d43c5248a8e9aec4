import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import type { Case } from "./case.ts";

export interface Answer {
  readonly status: number | "none";
  readonly deliveryId?: string;
}

/** After so long, a system that does nothing will do nothing. */
export const HUNG_MS = 60_000;
const LOOK_AGAIN_MS = 20;

/** Does what a case says on a connection of its own. Rejects where that neither answers nor ends. */
export async function send(port: number, { segments, afterwards }: Case): Promise<Answer> {
  const socket = await dial(port);
  const answer = buffer(socket).then(read, (): Answer => ({ status: "none" }));
  for (const segment of segments) {
    socket.write(segment);
    if (segments.length > 1) await new Promise(setImmediate);
  }
  if (afterwards === "half-close") socket.end();
  if (afterwards === "reset") socket.resetAndDestroy();
  const { promise: hung, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`neither an answer nor an end within ${HUNG_MS} ms`)),
    HUNG_MS,
  );
  try {
    return await Promise.race([answer, hung]);
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

export interface Silence {
  /** Resolves once all are open at the same time, as each is opened again that the service closes; rejects where they never are. */
  whole(): Promise<void>;
  end(): void;
}

/** Opens this many connections that send nothing, and keeps them open. */
export async function keepSilent(port: number, count: number): Promise<Silence> {
  const sockets = new Set<Socket>();
  let ended = false;
  async function open(): Promise<void> {
    const socket = await dial(port);
    sockets.add(socket.resume());
    socket.once("close", () => {
      sockets.delete(socket);
      // One that cannot be opened again is missing in the end.
      if (!ended) open().catch(() => undefined);
    });
  }
  await Promise.all(Array.from({ length: count }, open));
  return {
    async whole() {
      for (const until = performance.now() + HUNG_MS; sockets.size < count; await delay(LOOK_AGAIN_MS)) {
        if (performance.now() > until) {
          throw new Error(`${count - sockets.size} of ${count} silent connections cannot be opened again`);
        }
      }
    },
    end() {
      ended = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  socket.on("error", () => undefined);
  return socket;
}

function read(bytes: Buffer): Answer {
  const text = bytes.toString("latin1").replace(/^HTTP\/1\.1 100 .*?\r\n\r\n/s, "");
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) return { status: "none" };
  const deliveryId = /"deliveryId":"([0-9a-f-]{36})"/.exec(text)?.[1];
  return deliveryId === undefined ? { status } : { status, deliveryId };
}

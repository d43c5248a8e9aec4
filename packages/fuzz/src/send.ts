import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import type { Case } from "./case.ts";

export interface Answer {
  readonly status: number | "none";
  readonly deliveryId?: string;
}

const HUNG_MS = 60_000;

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

/** Keeps this many connections open that send nothing, until it is told to stop. */
export async function keepSilent(port: number, count: number): Promise<() => void> {
  const sockets = new Set<Socket>();
  let stopped = false;
  async function open(): Promise<void> {
    const socket = await dial(port);
    sockets.add(socket.resume());
    socket.once("close", () => {
      sockets.delete(socket);
      // Where the service is no more, the cases tell.
      if (!stopped) open().catch(() => undefined);
    });
  }
  await Promise.all(Array.from({ length: count }, open));
  return () => {
    stopped = true;
    for (const socket of sockets) socket.destroy();
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

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { waitFor } from "@dossier/testing";
import pTimeout from "p-timeout";
import type { Case } from "./request.ts";

export interface Answer {
  /** `none` if the connection ended without an answer. */
  readonly status: number | "none";
  readonly deliveryId?: string;
}

/** Longer than every timeout of the system. */
export const HANG_MS = 60_000;

const REOPEN_MS = 100;

/** Performs a case on a new connection. Rejects if the system neither answers nor ends the connection. */
export async function perform(port: number, { segments, ending }: Case): Promise<Answer> {
  const socket = await openConnection(port);
  const answer = buffer(socket).then(parseAnswer, (): Answer => ({ status: "none" }));
  for (const segment of segments) {
    socket.write(segment);
    if (segments.length > 1) await new Promise(setImmediate);
  }
  if (ending === "half-close") socket.end();
  if (ending === "reset") socket.resetAndDestroy();
  try {
    return await pTimeout(answer, {
      milliseconds: HANG_MS,
      message: `no answer and no end within ${HANG_MS} ms`,
    });
  } finally {
    socket.destroy();
  }
}

export interface IdleConnections {
  /** Resolves when all are open at the same time: the system closes idle ones. Rejects if they never are. */
  allOpen(): Promise<void>;
  close(): void;
}

/** Opens this many connections that send nothing, and opens each again when the system closes it. */
export async function openIdleConnections(port: number, count: number): Promise<IdleConnections> {
  const sockets = new Set<Socket>();
  let closed = false;
  async function open(): Promise<void> {
    const socket = await openConnection(port);
    sockets.add(socket.resume());
    socket.once("close", () => {
      sockets.delete(socket);
      if (!closed) void reopen();
    });
  }
  /** Tries again, as a busy machine may refuse one; `allOpen` reports a connection that can never be opened again. */
  async function reopen(): Promise<void> {
    while (!closed) {
      try {
        return await open();
      } catch {
        await delay(REOPEN_MS);
      }
    }
  }
  await Promise.all(Array.from({ length: count }, open));
  return {
    async allOpen() {
      await waitFor(
        () => ({ idleConnections: sockets.size }),
        ({ idleConnections }) => idleConnections === count,
        Date.now() + HANG_MS,
      );
    },
    close() {
      closed = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function openConnection(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  socket.on("error", () => undefined);
  return socket;
}

function parseAnswer(bytes: Buffer): Answer {
  const text = bytes.toString("latin1").replace(/^HTTP\/1\.1 100 .*?\r\n\r\n/s, "");
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) return { status: "none" };
  const deliveryId = /"deliveryId":"([0-9a-f-]{36})"/.exec(text)?.[1];
  return deliveryId === undefined ? { status } : { status, deliveryId };
}

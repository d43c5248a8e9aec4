import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";

/** A request as it goes over the wire, written by hand so that it may be wrong. */
export interface Raw {
  readonly method: string;
  readonly path: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the body's own length. `null` leaves the header out. */
  readonly contentLength?: string | null;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

export async function opened(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Makes one request on a connection of its own, and gives the answer. */
export async function exchange(port: number, raw: Raw): Promise<Answer> {
  const socket = await opened(port);
  const answer = received(socket);
  socket.write(Buffer.concat([Buffer.from(head(raw), "latin1"), Buffer.from(raw.body ?? "")]));
  return answer;
}

export function head({ method, path, body, headers = {}, contentLength }: Raw): string {
  const length = contentLength === undefined ? Buffer.byteLength(body ?? "") : contentLength;
  const all = {
    host: "ingest",
    connection: "close",
    ...(length === null ? {} : { "content-length": String(length) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** A body in chunks, ended unless it is told not to be. */
export function chunked(chunks: readonly Uint8Array[], end = true): Buffer {
  return Buffer.concat([
    ...chunks.flatMap((chunk) => [
      Buffer.from(`${chunk.length.toString(16)}\r\n`),
      chunk,
      Buffer.from("\r\n"),
    ]),
    Buffer.from(end ? "0\r\n\r\n" : ""),
  ]);
}

/** The answer that a connection receives until it is closed; rejects where there is none. */
export async function received(socket: Socket): Promise<Answer> {
  const bytes = await buffer(socket);
  const end = bytes.indexOf("\r\n\r\n");
  const [start, ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const status = Number(start?.split(" ")[1]);
  if (end === -1 || !status) throw new Error("the connection was closed without an answer");
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const text = bytes.subarray(end + 4).toString();
  return {
    status,
    headers,
    text,
    get json() {
      return JSON.parse(text) as Record<string, unknown>;
    },
  };
}

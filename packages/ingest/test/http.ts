import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";

/** A request that is written to the wire by hand, so that it may be malformed. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the body's own length. `null` omits the header. */
  readonly contentLength?: string | null;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

export async function openSocket(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Sends one request on its own connection. Returns the answer. */
export async function exchange(port: number, request: RawRequest): Promise<Answer> {
  const socket = await openSocket(port);
  const answer = readAnswer(socket);
  socket.write(Buffer.concat([Buffer.from(requestHead(request), "latin1"), Buffer.from(request.body ?? "")]));
  return answer;
}

export function requestHead({ method, path, body, headers = {}, contentLength }: RawRequest): string {
  const length = contentLength === undefined ? Buffer.byteLength(body ?? "") : contentLength;
  const allHeaders = {
    host: "ingest",
    connection: "close",
    ...(length === null ? {} : { "content-length": String(length) }),
    ...headers,
  };
  const lines = Object.entries(allHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** Returns a chunked body, with the last chunk unless `end` is false. */
export function chunkedBody(chunks: readonly Uint8Array[], end = true): Buffer {
  return Buffer.concat([
    ...chunks.flatMap((chunk) => [
      Buffer.from(`${chunk.length.toString(16)}\r\n`),
      chunk,
      Buffer.from("\r\n"),
    ]),
    Buffer.from(end ? "0\r\n\r\n" : ""),
  ]);
}

/** Reads a connection until it is closed. Returns the answer; throws if there is none. */
export async function readAnswer(socket: Socket): Promise<Answer> {
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

import { connect, type Socket } from "node:net";
import { scenario, sign, type Webhook } from "@dossier/simulator";
import { SECRET } from "./services.ts";

/** A signed webhook as the bytes of its request. */
export interface Request {
  readonly bytes: Buffer;
  /** What tells its event from all others. */
  readonly identity: string;
}

/** Invents webhooks, and signs them beforehand: the client runs on the machine that is measured. */
export function createRequests(count: number, seed: number, duplicates: number): readonly Request[] {
  const { webhooks } = scenario({ persons: count, seed, duplicates, shuffle: 0.1 });
  return Iterator.from(webhooks).take(count).map(toRequest).toArray();
}

/** Returns a webhook as a signed request. */
export function toRequest({ body, identity: { entityId, event, id } }: Webhook): Request {
  const head = [
    "POST /webhooks/icomply HTTP/1.1",
    "host: bench",
    "content-type: application/json; charset=utf-8",
    `abp-webhook-signature: ${sign(body, SECRET)}`,
    `content-length: ${body.length}`,
  ];
  return {
    bytes: Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]),
    identity: `${entityId} ${event} ${id}`,
  };
}

/** Where the status stands in `HTTP/1.1 200`. */
const STATUS = { start: 9, end: 12 };

/** A connection that sends one request at a time. It writes HTTP itself, to use little CPU. */
export class Connection {
  readonly #socket: Socket;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    // `send` answers 0 then.
    this.#socket.on("error", () => undefined);
  }

  /** Returns the answer's status; 0 if the connection ends without one. */
  send({ bytes }: Request): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    const socket = this.#socket;
    if (socket.closed) return Promise.resolve(0);
    const onData = (answer: Buffer) => end(Number(answer.toString("latin1", STATUS.start, STATUS.end)));
    const onClose = () => end(0);
    function end(status: number): void {
      socket.off("data", onData).off("close", onClose);
      resolve(status);
    }
    socket.on("data", onData).on("close", onClose).write(bytes);
    return promise;
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** A connection that was idle for so long is not used again: Node's servers close theirs after 5 s. */
const USABLE_MS = 3_000;

/** Connections that have no request. */
export class IdleConnections {
  readonly #port: number;
  /** The one that was used last comes last. */
  #idle: { readonly connection: Connection; readonly since: number }[] = [];

  constructor(port: number) {
    this.#port = port;
  }

  /** Returns one of them, or a new one. */
  take(): Connection {
    const last = this.#idle.pop();
    if (last !== undefined && performance.now() - last.since < USABLE_MS) return last.connection;
    last?.connection.close();
    this.close();
    return new Connection(this.#port);
  }

  putBack(connection: Connection): void {
    this.#idle.push({ connection, since: performance.now() });
  }

  close(): void {
    for (const { connection } of this.#idle) connection.close();
    this.#idle = [];
  }
}

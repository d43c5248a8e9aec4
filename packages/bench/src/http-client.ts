import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { scenario, sign } from "@dossier/simulator";
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
  return Iterator.from(webhooks)
    .take(count)
    .map(({ body, identity: { entityId, event, id } }) => {
      const head = [
        "POST /webhooks/icomply HTTP/1.1",
        "host: bench",
        "content-type: application/json; charset=utf-8",
        `abp-webhook-signature: ${sign(body, SECRET)}`,
        `content-length: ${body.length}`,
      ];
      const bytes = Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]);
      return { bytes, identity: `${entityId} ${event} ${id}` };
    })
    .toArray();
}

const ACCEPTED = Buffer.from("HTTP/1.1 200");

/** A connection that sends one request at a time. It writes HTTP itself, to use little CPU. */
export class Connection {
  readonly #socket: Socket;
  readonly #connected: Promise<unknown>;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#connected = once(this.#socket, "connect");
  }

  /** Returns whether the request was answered 200. */
  async send({ bytes }: Request): Promise<boolean> {
    await this.#connected;
    this.#socket.write(bytes);
    const [answer] = (await once(this.#socket, "data")) as [Buffer];
    return answer.subarray(0, ACCEPTED.length).equals(ACCEPTED);
  }

  close(): void {
    this.#socket.destroy();
  }
}

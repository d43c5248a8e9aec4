import type { IncomingMessage } from "node:http";
import { err, ok, type Result } from "@dossier/events";
import type { BodyBudget } from "./body-budget.ts";

/**
 * Why a body was not read: it is longer than allowed; its chunks are so small that each costs more than its bytes; the
 * connection ended first; or others needed its memory.
 */
export type UnreadBody = "too-large" | "too-many-chunks" | "incomplete" | "dropped";

/** So many chunks may be of any size; beyond, a chunk must have so many bytes on average. */
const FREE_CHUNKS = 4_096;
const MIN_CHUNK_BYTES = 64;

/** The memory that a body in parts gets at first, in bytes: all of it if it is short and says so, else little. */
const FIRST_BYTES = { declared: 64 * 1024, chunked: 4 * 1024 };

/**
 * Reads a request's whole body. One that arrives whole is returned in the buffer that it came in. Any other gets a buffer
 * that grows with what has arrived and not with what was announced. A declared length is trusted to be exact, as the HTTP
 * parser enforces it; a chunked body is counted as it arrives. What arrives after the result is discarded.
 */
export function readBody(
  incoming: IncomingMessage,
  maxBytes: number,
  budget: BodyBudget,
): Promise<Result<Buffer, UnreadBody>> {
  const header = incoming.headers["content-length"];
  const limit = header === undefined ? maxBytes : Number(header);
  if (limit > maxBytes) return Promise.resolve(err("too-large"));
  const firstBytes = header === undefined ? FIRST_BYTES.chunked : FIRST_BYTES.declared;

  const { promise, resolve } = Promise.withResolvers<Result<Buffer, UnreadBody>>();
  const body = new GrowingBuffer();
  const share = budget.open(() => finish(err("dropped")));
  let chunks = 0;
  let finished = false;

  function finish(result: Result<Buffer, UnreadBody>): void {
    if (finished) return;
    finished = true;
    share.close();
    if (!result.ok) body.free();
    resolve(result);
  }

  incoming.on("data", (chunk: Buffer) => {
    if (finished) return;
    // Most bodies arrive whole. A slice of a larger buffer would keep more memory than it is counted for.
    if (header !== undefined && chunk.length === limit && chunk.buffer.byteLength === limit)
      return finish(ok(chunk));
    const length = body.length + chunk.length;
    chunks += 1;
    if (length > limit) return finish(err("too-large"));
    if (chunks > FREE_CHUNKS + length / MIN_CHUNK_BYTES) return finish(err("too-many-chunks"));
    if (length > body.capacity) {
      const capacity = Math.min(limit, Math.max(2 * length, firstBytes));
      if (!share.resize(capacity)) return;
      body.resize(capacity);
    }
    body.append(chunk);
  });
  incoming.on("end", () => finish(incoming.complete ? ok(body.take()) : err("incomplete")));
  incoming.on("error", () => finish(err("incomplete")));
  incoming.on("close", () => finish(err("incomplete")));
  return promise;
}

/** A buffer whose former memory is freed at once when it grows or ends, and not at some later garbage collection. */
class GrowingBuffer {
  #bytes: Buffer<ArrayBuffer> | undefined;
  length = 0;

  get capacity(): number {
    return this.#bytes?.length ?? 0;
  }

  resize(capacity: number): void {
    this.#bytes = Buffer.from(this.#bytes?.buffer.transfer(capacity) ?? new ArrayBuffer(capacity));
  }

  append(chunk: Uint8Array): void {
    this.#bytes?.set(chunk, this.length);
    this.length += chunk.length;
  }

  take(): Buffer {
    if (this.capacity > this.length) this.resize(this.length);
    return this.#bytes ?? Buffer.alloc(0);
  }

  free(): void {
    this.#bytes?.buffer.transfer(0);
    this.#bytes = undefined;
  }
}

import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBodyBudget } from "../src/body-budget.ts";
import { readBody } from "../src/body.ts";

const KIB = 1024;
const roomy = () => createBodyBudget({ totalBytes: 2 ** 30, reservedBytes: 0, smallBytes: 0 });

/** A request whose body a test sends by hand. */
function incoming(contentLength?: number) {
  const request = new IncomingMessage(new Socket());
  if (contentLength !== undefined) request.headers["content-length"] = String(contentLength);
  return {
    request,
    send: (chunk: Uint8Array) => request.push(chunk),
    end() {
      request.complete = true;
      request.push(null);
    },
  };
}

/** Lets what was sent arrive. */
async function arrive(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
}

describe("a body that is read", () => {
  test("is what was sent, in whatever chunks, in a buffer of exactly its size", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 * KIB, size: "max" }), { maxLength: 10 }),
        fc.boolean(),
        async (chunks, declares) => {
          const whole = Buffer.concat(chunks);
          const { request, send, end } = incoming(declares ? whole.length : undefined);
          const read = readBody(request, KIB * KIB, roomy());
          for (const chunk of chunks) send(chunk);
          end();
          const body = await read;
          expect(body).toEqual({ ok: true, value: whole });
          expect(body.ok && body.value.buffer.byteLength).toBe(whole.length);
        },
      ),
      { numRuns: 20 },
    );
  });

  test.each([
    ["announces 1 MiB and sends little", KIB * KIB, 64 * KIB],
    ["announces little and sends less", 500, 500],
    ["announces nothing and sends little", undefined, 4 * KIB],
  ])("holds memory for what has arrived: one that %s", async (_case, contentLength, bytes) => {
    const held: number[] = [];
    const { request, send } = incoming(contentLength);
    const budget = {
      open: () => ({ resize: (size: number) => held.push(size) > 0, close: () => held.push(0) }),
    };
    const read = readBody(request, KIB * KIB, budget);
    await arrive();
    expect(held).toEqual([]);
    send(Buffer.alloc(100));
    await arrive();
    expect(held).toEqual([bytes]);
    request.destroy();
    expect(await read).toEqual({ ok: false, error: "incomplete" });
    expect(held).toEqual([bytes, 0]);
  });

  test("is the chunk that it came in, if it arrives whole, and needs no room", async () => {
    const { request, send, end } = incoming(80 * KIB);
    const full = createBodyBudget({ totalBytes: 0, reservedBytes: 0, smallBytes: 0 });
    const read = readBody(request, KIB * KIB, full);
    const chunk = Buffer.alloc(80 * KIB, "a");
    send(chunk);
    end();
    const body = await read;
    expect(body.ok && body.value.buffer).toBe(chunk.buffer);
  });

  test("is copied, if it arrives in a part of a larger buffer, which would stay in memory", async () => {
    const { request, send, end } = incoming(80 * KIB);
    const read = readBody(request, KIB * KIB, roomy());
    send(Buffer.alloc(160 * KIB, "a").subarray(0, 80 * KIB));
    end();
    const body = await read;
    expect(body.ok && body.value.buffer.byteLength).toBe(80 * KIB);
  });

  test("is dropped when a later one needs its memory, and what still arrives is discarded", async () => {
    const budget = createBodyBudget({ totalBytes: 100 * KIB, reservedBytes: 0, smallBytes: 0 });
    const [first, second] = [incoming(80 * KIB), incoming(80 * KIB)];
    const reads = [first, second].map(({ request }) => readBody(request, KIB * KIB, budget));
    first.send(Buffer.alloc(60 * KIB));
    await arrive();
    second.send(Buffer.alloc(50 * KIB, "b"));
    second.send(Buffer.alloc(30 * KIB, "b"));
    second.end();
    expect(await Promise.all(reads)).toEqual([
      { ok: false, error: "dropped" },
      { ok: true, value: Buffer.alloc(80 * KIB, "b") },
    ]);
    first.send(Buffer.alloc(20 * KIB));
    await arrive();
    expect(first.request.readableLength).toBe(0);
  });
});

import type { Context } from "hono";

/**
 * Answers a file while it is read. If that fails, the connection breaks, so that nobody takes a part for the whole.
 *
 * @param onError reports why it failed
 */
export function download(
  c: Context,
  { name, type }: { readonly name: string; readonly type: string },
  texts: AsyncIterable<string>,
  onError: (err: unknown) => void,
): Response {
  c.header("content-type", type);
  c.header("content-disposition", `attachment; filename="${name}"`);
  c.header("cache-control", "no-store");
  return c.body(ReadableStream.from(encode(texts, onError)) as ReadableStream<Uint8Array<ArrayBuffer>>);
}

async function* encode(
  texts: AsyncIterable<string>,
  onError: (err: unknown) => void,
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  try {
    for await (const text of texts) if (text !== "") yield encoder.encode(text);
  } catch (err) {
    onError(err);
    // The server prints what is thrown, which must not be what Postgres says.
    throw new Error("the download failed");
  }
}

import { err, ok, type Result } from "@dossier/events";

export type BodyFailure = "too-large" | "incomplete";

/**
 * Reads a request's whole body.
 *
 * @param maxBytes the most that is read. A declared length is believed, since the HTTP parser holds the sender to
 *   it; only a chunked body is counted as it comes.
 */
export async function readBody(request: Request, maxBytes: number): Promise<Result<Buffer, BodyFailure>> {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > maxBytes) return err("too-large");
  try {
    if (declared !== null) return ok(Buffer.from(await request.arrayBuffer()));
    return await readChunks(request, maxBytes);
  } catch {
    // The client went away in the middle; nobody is left to read the answer.
    return err("incomplete");
  }
}

async function readChunks(request: Request, maxBytes: number): Promise<Result<Buffer, BodyFailure>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) return err("too-large");
    chunks.push(chunk);
  }
  return ok(Buffer.concat(chunks, length));
}

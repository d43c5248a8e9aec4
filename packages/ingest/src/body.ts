import { err, ok, type Result } from "@dossier/events";

export type UnreadBody = "too-large" | "incomplete";

/**
 * Reads a request's whole body. Returns `too-large` if it is longer than `maxBytes`, and `incomplete` if the connection
 * ends first. A declared length is trusted, as the HTTP parser enforces it; a chunked body is counted as it arrives.
 */
export async function readBody(request: Request, maxBytes: number): Promise<Result<Buffer, UnreadBody>> {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > maxBytes) return err("too-large");
  try {
    if (declared !== null) return ok(Buffer.from(await request.arrayBuffer()));
    return await readChunks(request, maxBytes);
  } catch {
    return err("incomplete");
  }
}

async function readChunks(request: Request, maxBytes: number): Promise<Result<Buffer, UnreadBody>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) return err("too-large");
    chunks.push(chunk);
  }
  return ok(Buffer.concat(chunks, length));
}

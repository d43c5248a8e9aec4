import { createServer } from "node:net";

const LOWEST = 10_000;
const HIGHEST = 32_767;

/**
 * Returns a free port of the loopback interface: the preferred one if it is free, else one below the ephemeral range.
 * In that range, a client that keeps connecting to a stopped server's port may get that port as its own, connect to
 * itself, and block the server's restart.
 */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred))) return preferred;
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once("error", () => resolve(false));
  server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  return promise;
}

import { createServer } from "node:net";

const LOWEST = 10_000;
const HIGHEST = 32_767;

/**
 * Returns a free port of the loopback interface, below the range that systems give to outgoing connections. In that
 * range, a client that keeps dialling a stopped server's port can be given that very port, connect to itself, and keep
 * the server from coming back.
 */
export async function freePort(): Promise<number> {
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

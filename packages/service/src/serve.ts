import { createServer, type Server as HttpServer, type ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { Result } from "./result.ts";

/**
 * What one client may take. The names are Node's; times are in milliseconds. Together they bound
 * what clients cost that send slowly, read slowly, or only hold a connection.
 */
export interface ConnectionLimits {
  /**
   * From the start of a connection or request until its headers are complete; then 408 and closed.
   * Less frees silent connections sooner and cuts off slow networks. Default 10,000.
   */
  readonly headersTimeout: number;
  /**
   * From the start of a request until its body is complete; then 408 and closed. Less frees the
   * memory of slow uploads sooner and cuts off slow networks. Default 30,000.
   */
  readonly requestTimeout: number;
  /**
   * How long a connection waits for its next request. Behind a load balancer it must be longer than
   * the balancer keeps connections (mostly 60 s), or requests are lost on ones that close at that
   * moment. More holds more idle connections. Default 65,000.
   */
  readonly keepAliveTimeout: number;
  /**
   * How long a connection may pass no byte either way while a request is handled or answered. A
   * handler that waits longer, or a stream that is silent for longer, is cut off. Default 120,000.
   */
  readonly timeout: number;
  /**
   * Connections at once; further ones are closed as they come. Each takes a file descriptor and
   * some 10 kB. Default 10,000.
   */
  readonly maxConnections: number;
  /**
   * How often the first two times are looked at, so they may last that much longer. Each look
   * passes over the open connections. Default 1,000.
   */
  readonly connectionsCheckingInterval: number;
}

const LIMITS: ConnectionLimits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  timeout: 120_000,
  maxConnections: 10_000,
  connectionsCheckingInterval: 1_000,
};

export interface ServeOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /** The address to listen on. By default every address of the machine. */
  readonly host?: string;
  readonly limits?: Partial<ConnectionLimits>;
}

export interface Server {
  readonly port: number;
  /**
   * Takes no more connections, answers the requests whose headers have come, and closes every
   * connection. Rejects if after `deadline` milliseconds some had no answer and were cut off.
   */
  close(deadline?: number): Promise<void>;
}

type App = { readonly fetch: Parameters<typeof getRequestListener>[0] };

/** Serves an app over HTTP/1.1 and resolves once it listens, or with why it cannot. */
export async function serve(app: App, options: ServeOptions): Promise<Result<Server>> {
  const { timeout, maxConnections, ...times } = { ...LIMITS, ...options.limits };
  const server = createServer(times);
  server.timeout = timeout;
  server.maxConnections = maxConnections;

  const unanswered = new Set<ServerResponse>();
  const answer = getRequestListener(app.fetch);
  server.on("request", (request, response) => {
    unanswered.add(response);
    response.once("close", () => {
      unanswered.delete(response);
      if (!server.listening && unanswered.size === 0) server.closeAllConnections();
    });
    void answer(request, response);
  });

  const problem = await listen(server, options);
  if (problem !== undefined) return { ok: false, error: problem };
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  return { ok: true, value: { port, close: (deadline) => close(server, unanswered, deadline) } };
}

function listen(server: HttpServer, { port, host }: ServeOptions): Promise<string | undefined> {
  return new Promise((resolve) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      resolve(
        error.code === "EADDRINUSE"
          ? `Port ${port} is in use: stop what listens there, or set PORT to another.`
          : `Cannot listen on port ${port} (${error.message}): set PORT to another.`,
      );
    });
    server.listen({ port, host }, () => {
      server.removeAllListeners("error");
      resolve(undefined);
    });
  });
}

async function close(
  server: HttpServer,
  unanswered: ReadonlySet<ServerResponse>,
  deadline = 8_000,
): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  for (const response of unanswered) response.shouldKeepAlive = false;
  // Node itself would wait for ever for connections that never sent a request.
  if (unanswered.size === 0) server.closeAllConnections();
  let cutOff = 0;
  const timer = setTimeout(() => {
    cutOff = unanswered.size;
    server.closeAllConnections();
  }, deadline);
  await closed;
  clearTimeout(timer);
  if (cutOff > 0) {
    throw new Error(`requests cut off without an answer after ${deadline} ms: ${cutOff}`);
  }
}

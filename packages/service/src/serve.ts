import { createServer, type Server as HttpServer, type ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { Result } from "./run.ts";

/**
 * Limits for clients. The names are Node's; times are in milliseconds. Together they bound the cost of clients that
 * send slowly, read slowly or keep a connection open without using it.
 */
export interface ConnectionLimits {
  /**
   * From the start of a connection or request until its headers are complete; then it gets 408 and is closed. Less
   * frees silent connections sooner, and cuts off slow networks. Default 10,000.
   */
  readonly headersTimeout: number;
  /**
   * From the start of a request until its body is complete; then it gets 408 and is closed. Less frees the memory of
   * slow uploads sooner, and cuts off slow networks. Default 30,000.
   */
  readonly requestTimeout: number;
  /**
   * How long an idle connection stays open for its next request. Behind a load balancer it must be longer than the
   * balancer's own idle timeout (mostly 60 s), or the balancer sends requests on connections that are just closing.
   * More keeps more idle connections open. Default 65,000.
   */
  readonly keepAliveTimeout: number;
  /**
   * How long a connection may carry no byte in either direction while a request is handled or answered. A handler that
   * takes longer, or a stream that is silent for longer, is cut off. Default 120,000.
   */
  readonly timeout: number;
  /**
   * Connections at the same time; further ones are closed at once. Each uses a file descriptor and some 10 kB. Default
   * 10,000.
   */
  readonly maxConnections: number;
  /**
   * How often `headersTimeout` and `requestTimeout` are checked; they may be exceeded by that much. Each check visits
   * every open connection. Default 1,000.
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

/**
 * Connections that may wait for this process; the system may allow fewer (`net.core.somaxconn`). Of those that come at once
 * beyond, Linux drops the handshake: their senders wait, and many are reset. Node's default is 511.
 */
const BACKLOG = 4_096;

export interface ServeOptions {
  /** 0 means any free port. */
  readonly port: number;
  /** The address to listen on. Default: every address of the machine. */
  readonly host?: string | undefined;
  /** The variable that sets the port, for error messages. Default: `PORT`. */
  readonly variable?: string;
  readonly limits?: Partial<ConnectionLimits>;
}

export interface Server {
  readonly port: number;
  /**
   * Accepts no more connections, answers the requests whose headers have arrived, and closes every connection. Rejects
   * if requests without an answer were cut off after `timeoutMs`, 8,000 by default.
   */
  close(timeoutMs?: number): Promise<void>;
}

/**
 * An answer that has not been sent. A `Set` that grows copies its entries to a new table. V8 keeps the old table with its
 * entries until a major garbage collection. So an entry lets go of its response.
 */
interface Unanswered {
  response: ServerResponse | undefined;
}

type App = { readonly fetch: Parameters<typeof getRequestListener>[0] };

/** Serves an app over HTTP/1.1. Returns the listening server, or why it cannot listen. */
export async function serve(app: App, options: ServeOptions): Promise<Result<Server>> {
  const { timeout, maxConnections, ...times } = { ...LIMITS, ...options.limits };
  const server = createServer(times);
  server.timeout = timeout;
  server.maxConnections = maxConnections;

  const unanswered = new Set<Unanswered>();
  // HTTP/1.0 requires no Host, and load balancers' health checks send none.
  const answer = getRequestListener(app.fetch, { hostname: "localhost" });
  server.on("request", (request, response) => {
    // `OPTIONS *` asks about the server as a whole.
    if (request.url === "*") request.url = "/";
    const entry: Unanswered = { response };
    unanswered.add(entry);
    response.once("close", () => {
      unanswered.delete(entry);
      entry.response = undefined;
      if (!server.listening && unanswered.size === 0) server.closeAllConnections();
    });
    void answer(request, response);
  });

  const error = await listen(server, options);
  if (error !== undefined) return { ok: false, error };
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  return { ok: true, value: { port, close: (timeoutMs) => close(server, unanswered, timeoutMs) } };
}

/** Returns why the server cannot listen, or `undefined` once it listens. */
function listen(
  server: HttpServer,
  { port, host, variable = "PORT" }: ServeOptions,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      resolve(
        error.code === "EADDRINUSE"
          ? `Port ${port} is in use: stop what listens there, or set ${variable} to another.`
          : `Cannot listen on port ${port} (${error.message}): set ${variable} to another.`,
      );
    });
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.removeAllListeners("error");
      resolve(undefined);
    });
  });
}

async function close(
  server: HttpServer,
  unanswered: ReadonlySet<Unanswered>,
  timeoutMs = 8_000,
): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  for (const { response } of unanswered) if (response !== undefined) response.shouldKeepAlive = false;
  // Node itself would wait without end for connections that never sent a request.
  if (unanswered.size === 0) server.closeAllConnections();
  let cutOff = 0;
  const timer = setTimeout(() => {
    cutOff = unanswered.size;
    server.closeAllConnections();
  }, timeoutMs);
  await closed;
  clearTimeout(timer);
  if (cutOff > 0) {
    throw new Error(`requests cut off without an answer after ${timeoutMs} ms: ${cutOff}`);
  }
}

import type { IncomingMessage } from "node:http";
import { SpanKind, SpanStatusCode, type Span } from "@opentelemetry/api";
import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { Tracing } from "./tracing.ts";

/** What the middleware leaves for the handlers. */
export interface TraceVariables {
  /** The W3C trace context of the request's span; `undefined` if the request is not traced. */
  readonly traceparent: string | undefined;
}

/** Asked all the time. */
const UNTRACED = new Set(["/healthz", "/readyz"]);

/**
 * Returns a middleware that makes a span of each request. A span has the route and never the path, the query, a header or
 * the address of the client, all of which may be personal data.
 */
export function traceRequests(tracing: Tracing): MiddlewareHandler {
  return async (c, next) => {
    if (UNTRACED.has(c.req.path)) return next();
    const { method } = c.req;
    const { incoming } = c.env as { readonly incoming: IncomingMessage };
    const { traceparent } = incoming.headers;
    const attributes = { "http.request.method": method };
    const span = tracing.startRequest(
      method,
      { kind: SpanKind.SERVER, attributes },
      typeof traceparent === "string" ? traceparent : undefined,
    );
    if (span === undefined) return next();
    c.set("traceparent", formatTraceparent(span));
    await next();
    const route = routePath(c, -1);
    span.updateName(`${method} ${route}`);
    span.setAttributes({ "http.route": route, "http.response.status_code": c.res.status });
    if (c.res.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  };
}

function formatTraceparent(span: Span): string {
  const { traceId, spanId } = span.spanContext();
  return `00-${traceId}-${spanId}-01`;
}

import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type SpanOptions,
} from "@opentelemetry/api";
import { parseTraceParent, setGlobalErrorHandler } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import pTimeout from "p-timeout";
import type { Logger } from "./logger.ts";
import { createRateLimit } from "./rate-limit.ts";
import { summedLog } from "./summed-log.ts";
import { version } from "./version.ts";

/** Of each process, at most, so that tracing costs little under any load. */
const TRACED_REQUESTS_PER_SECOND = 20;

/** Of a batch to its deliveries. Without it, only the first 128 are kept. */
const MAX_LINKS = 4_096;

/** How long the last spans may delay a shutdown, in milliseconds. */
const STOP_TIMEOUT_MS = 2_000;

/** Where spans are made and sent from. Loads OpenTelemetry's SDK, so that this file is imported only if it is used. */
export interface Tracing {
  /**
   * Starts the span of a request. Returns `undefined` if it shall not be traced, as there are too many.
   *
   * @param traceparent what the client sent
   */
  startRequest(name: string, options: SpanOptions, traceparent: string | undefined): Span | undefined;
  /** Records the span of a batch, and links it to the request of each delivery that is traced. For none, does nothing. */
  recordBatch(batch: Batch): void;
  /** Sends the spans that have not been sent yet. */
  stop(): Promise<void>;
}

/** What was done for several deliveries together, just now. */
export interface Batch {
  /** In the words of OpenTelemetry's conventions for messaging: `send` to the queue, or `process` what came from it. */
  readonly operation: "send" | "process";
  /** In milliseconds since 1970. */
  readonly startedAt: number;
  readonly failed: boolean;
  readonly deliveries: number;
  /** The trace contexts of those that are traced. */
  readonly traceparents: readonly string[];
  /** How many deliveries have ended in which way. */
  readonly outcomes?: ReadonlyMap<string, number>;
}

/** Starts to trace, and to send spans to an OTLP endpoint, in JSON over HTTP. */
export function startTracing(service: string, endpoint: string, log: Logger): Tracing {
  const failures = summedLog(log, { level: "warn", code: "traces-not-sent", message: "traces not sent" });
  setGlobalErrorHandler((err) => failures.record("failed", () => ({ err })));
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, "")}/v1/traces` });
  const provider = new TracerProvider({
    // Whatever a client says of its own trace: .NET sends a context with every request, also if it traces nothing.
    sampler: new AlwaysOnSampler(),
    spanLimits: { linkCountLimit: MAX_LINKS },
    spanProcessors: [new BatchSpanProcessor({ exporter })],
    resource: defaultResource()
      .merge(
        resourceFromAttributes({
          "service.namespace": "dossier",
          "service.name": service,
          "service.version": version,
        }),
      )
      .merge(detectResources({ detectors: [resourceAttributesEnvDetector] })),
  });
  const tracer = provider.getTracer("dossier", version);
  const mayTrace = createRateLimit(TRACED_REQUESTS_PER_SECOND);
  return {
    startRequest: (name, options, traceparent) =>
      mayTrace() ? tracer.startSpan(name, options, parentOf(traceparent)) : undefined,
    recordBatch({ operation, startedAt, failed, deliveries, traceparents, outcomes = new Map() }) {
      const links = traceparents.flatMap((traceparent): Link[] => {
        const linked = parseTraceParent(traceparent);
        return linked === null ? [] : [{ context: linked }];
      });
      if (links.length === 0) return;
      const attributes: Attributes = {
        "messaging.system": "bullmq",
        "messaging.destination.name": "deliveries",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.batch.message_count": deliveries,
      };
      for (const [outcome, count] of outcomes) attributes[`dossier.outcome.${outcome}`] = count;
      const kind = operation === "send" ? SpanKind.PRODUCER : SpanKind.CONSUMER;
      const options = { kind, startTime: startedAt, attributes, links };
      const span = tracer.startSpan(`${operation} deliveries`, options, ROOT_CONTEXT);
      if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
    stop: () => pTimeout(provider.shutdown(), { milliseconds: STOP_TIMEOUT_MS, fallback: () => undefined }),
  };
}

/** A client's `tracestate` is not taken, which may hold anything. */
function parentOf(traceparent = ""): Context {
  const parent = parseTraceParent(traceparent);
  return parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true });
}

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { payload, sign } from "@dossier/simulator";
import { freshRedis, runNode, waitFor } from "@dossier/testing";
import { expect, onTestFinished, test } from "vitest";
import { startAll } from "./services.ts";

/** A span, as OTLP has it in JSON. */
interface Span {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
}

interface ExportedTraces {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
}

const SERVER = 2;
const PRODUCER = 4;
const CONSUMER = 5;

/** Starts a receiver of OTLP over HTTP in JSON. */
async function startReceiver() {
  const texts: string[] = [];
  const server = createServer((request, response) => {
    void text(request).then((sent) => {
      if (request.url === "/v1/traces") texts.push(sent);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    text: () => texts.join("\n"),
    spans: () =>
      texts
        .flatMap((sent) => (JSON.parse(sent) as ExportedTraces).resourceSpans)
        .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
  };
}

function attributesOf({ attributes }: Span): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

test("a trace leads from a webhook's request over the queue to the commit of its person's state", async (context) => {
  const receiver = await startReceiver();
  const { env, rows, stop } = await startAll({
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    REDIS_URL: await freshRedis(context),
  });
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const post = (id: string, headers = {}) => {
    const canary = { entity: "canary-name", email: "canary@mail" };
    const body = JSON.stringify(
      payload({ event: "canary-event", id, entityId: "canary-entity", data: canary }),
    );
    return fetch(`http://127.0.0.1:${env["INGEST_PORT"]}/webhooks/icomply?canary=query`, {
      method: "POST",
      headers: { "abp-webhook-signature": sign(body, env["ICOMPLY_WEBHOOK_SECRETS"] ?? ""), ...headers },
      body,
    });
  };

  await post("canary-1", { traceparent: `00-${traceId}-b7ad6b7169203331-00`, tracestate: "canary=state" });
  await post("canary-2");
  await waitFor(
    () => rows("select count(*)::int as settled from settlements"),
    (found) => expect(found).toEqual([{ settled: 2 }]),
  );
  await fetch(`http://127.0.0.1:${env["CONSOLE_PORT"]}/api/v1/natural-persons/canary-entity?canary=query`);
  await stop();

  const spans = receiver.spans();
  const requests = spans.filter(({ name }) => name === "POST /webhooks/icomply");
  expect(requests).toHaveLength(2);
  expect(requests.find((span) => span.traceId === traceId)).toMatchObject({
    kind: SERVER,
    parentSpanId: "b7ad6b7169203331",
  });
  expect(requests.map((span) => attributesOf(span)["http.response.status_code"])).toEqual([200, 200]);
  const linked = (operation: string, kind: number) =>
    spans
      .filter((span) => span.name === `${operation} deliveries` && span.kind === kind)
      .flatMap(({ links = [] }) => links.map(({ spanId }) => spanId))
      .toSorted();
  const spanIds = requests.map(({ spanId }) => spanId).toSorted();
  expect(linked("send", PRODUCER)).toEqual(spanIds);
  expect(linked("process", CONSUMER)).toEqual(spanIds);
  const batch = spans.find(({ kind }) => kind === CONSUMER);
  expect(batch && attributesOf(batch)).toMatchObject({
    "messaging.system": "bullmq",
    "messaging.destination.name": "deliveries",
    "dossier.outcome.applied": expect.any(Number),
  });
  expect(spans.map(({ name }) => name)).toContain("GET /api/v1/natural-persons/:entityId");
  expect(receiver.text()).not.toContain("canary");
});

test("without an endpoint for traces, a service does not even load what sends them", async () => {
  const service = import.meta.resolve("@dossier/service");
  const script = `
    import { registerHooks } from "node:module";
    registerHooks({ load: (url, context, next) => (console.log(url), next(url, context)) });
    const { createLogger, loadTracing } = await import(${JSON.stringify(service)});
    await loadTracing("test", undefined, createLogger({ service: "test", level: "silent" }));`;
  const { stdout } = await runNode("-", { execArgv: ["--input-type=module"], input: script });
  expect(stdout).toContain("sdk-metrics");
  expect(stdout).not.toMatch(/sdk-trace|trace-otlp/);
});

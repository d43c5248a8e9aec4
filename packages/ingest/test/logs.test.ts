import { payload, sign } from "@dossier/simulator";
import { waitFor, type LogLine } from "@dossier/testing";
import { expect, test } from "vitest";
import { ingest, OTHER_SECRET, SECRET } from "./harness.ts";
import { openSocket } from "./http.ts";

test("neither personal data nor a secret reaches an answer, a log line or a metric", async (context) => {
  const { post, send, getOps, pool, text } = await ingest(context);
  const canary = payload({
    event: "canary-event",
    id: "canary-id",
    entityId: "canary-entity",
    data: { entity: "canary-name", email: "canary@mail", description: "canary-description" },
  });
  const body = JSON.stringify({ ...canary, secret: SECRET, other: { canary: ["canary"] } });
  const headers = { "user-agent": "canary-agent", "x-request-id": "canary-request", cookie: "canary-cookie" };

  const answers = [
    await post(body),
    await post(body.slice(0, -1)),
    await send(body, headers),
    await post(body, OTHER_SECRET),
    await send(body, { ...headers, "abp-webhook-signature": `canary ${SECRET}` }),
    await send(JSON.stringify({ ...canary, secret: OTHER_SECRET })),
    await send(body.slice(0, -1), headers),
    await post(body.repeat(4_000)),
  ];
  // Postgres's error for this constraint quotes the row.
  await pool.query("alter table deliveries add constraint refuses check (false) not valid");
  answers.push(await post(body), await send(body));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 401, 401, 401, 401, 413, 503, 503]);

  const output = [text(), (await getOps("/metrics")).text, ...answers.map((answer) => answer.text)].join(
    "\n",
  );
  expect(output).toContain("violates check constraint");
  for (const secret of ["canary", SECRET.slice(4), OTHER_SECRET.slice(4), sign(body, SECRET).slice(7)]) {
    expect(output).not.toContain(secret);
  }
});

test("an accepted webhook has a line at debug, and each answer counts in a summary", async (context) => {
  const { post, logged, close } = await ingest(context, { REDIS_URL: undefined });
  const accepted = await post("{}");
  await post("{}", OTHER_SECRET);
  const [line] = logged("webhook-accepted");
  expect(line).toMatchObject({ level: "debug", deliveryId: JSON.parse(accepted.text).deliveryId });
  await close();
  expect(logged("webhooks-answered")).toMatchObject([{ level: "info", accepted: 1, unauthenticated: 1 }]);
});

test("rejected webhooks are logged at most once a second, with their reasons", async (context) => {
  const { post, send, logged } = await ingest(context, { REDIS_URL: undefined });
  const rejections = () => logged("webhook-rejected") as Rejection[];
  await post("{}", OTHER_SECRET);
  await Promise.all(Array.from({ length: 20 }, () => send("{}")));
  await post(Buffer.alloc(1024 * 1024 + 1));
  const found = await waitFor(rejections, (some) => countOf(some) === 22);
  expect(found[0]).toMatchObject({ level: "warn", reason: "wrong-signature" });
  const seconds = new Set(found.map(({ time }) => time.slice(0, "2026-01-01T00:00:00".length)));
  expect(found.length).toBeLessThanOrEqual(seconds.size + 1);
  expect(new Set(found.flatMap(({ reason, counts = {} }) => [reason, ...Object.keys(counts)]))).toEqual(
    new Set(["wrong-signature", "no-signature-and-no-secret", "too-large"]),
  );
});

test("a rejected webhook is logged with the names of its headers and keys, and its length", async (context) => {
  const { send, lines } = await ingest(context, { REDIS_URL: undefined });
  const body = JSON.stringify({
    Kind: "NaturalPerson",
    payload: { secret: "x" },
    [SECRET]: 1,
    "ada@x.org": 1,
  });
  await send(body, { "X-Signature-SHA512": "abc" });
  expect(lines().find(({ code }) => code === "webhook-rejected")).toMatchObject({
    reason: "no-signature-and-no-secret",
    headerNames: ["host", "connection", "content-length", "X-Signature-SHA512"],
    bodyBytes: body.length,
    topLevelKeys: ["Kind", "payload", "*".repeat(SECRET.length), "?"],
  });
});

test.for([
  ["a body that is not read", Buffer.alloc(1024 * 1024 + 1), { bodyBytes: 1024 * 1024 + 1 }],
  ["a body that is no JSON", Buffer.from("a=b"), { bodyBytes: 3 }],
  ["a list", Buffer.from("[1]"), { bodyBytes: 3 }],
] as const)("%s is logged without keys when it is rejected", async ([_case, body, expected], context) => {
  const { send, lines } = await ingest(context, { REDIS_URL: undefined });
  await send(body);
  const line = lines().find(({ code }) => code === "webhook-rejected");
  expect(line).toMatchObject(expected);
  expect(line).not.toHaveProperty("topLevelKeys");
});

test("a rejected webhook's line is bounded, whatever a stranger sends", async (context) => {
  const { send, logged } = await ingest(context, { REDIS_URL: undefined });
  const names = Array.from({ length: 50_000 }, (_, n) => `key-${n}`);
  const headers = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`x-header-${n}`, ""]));
  await send(JSON.stringify(Object.fromEntries(names.map((name) => [name, 1]))), headers);
  const line = JSON.stringify(logged("webhook-rejected")[0]);
  expect(line).toContain('"topLevelKeys":["key-0"');
  expect(line.length).toBeLessThan(5_000);
});

test("a thousand connections that send nothing disturb no webhook", async (context) => {
  const { port, post } = await ingest(context);
  const silent = await Promise.all(Array.from({ length: 1_000 }, () => openSocket(port)));
  const answers = await Promise.all(Array.from({ length: 20 }, () => post("{}")));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  for (const socket of silent) socket.destroy();
});

/** A line that may sum up several rejections. */
type Rejection = LogLine & {
  readonly time: string;
  readonly reason: string;
  readonly total?: number;
  readonly counts?: Readonly<Record<string, number>>;
};

/** How many rejections these lines sum up. */
function countOf(lines: readonly Rejection[]): number {
  return lines.reduce((sum, { total = 1 }) => sum + total, 0);
}

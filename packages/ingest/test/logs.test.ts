import { payload, sign } from "@dossier/simulator";
import { expect, test } from "vitest";
import { ingest, OTHER_SECRET, SECRET } from "./harness.ts";
import { openSocket } from "./http.ts";

test("neither personal data nor a secret reaches an answer, a log line or a metric", async (context) => {
  const { post, send, get, pool, written } = await ingest(context);
  const canary = payload({
    event: "canary-event",
    id: "canary-id",
    entityId: "canary-entity",
    data: { entity: "canary-name", email: "canary@mail", description: "canary-description" },
  });
  const body = JSON.stringify({ ...canary, secret: SECRET, canary: { canary: ["canary"] } });
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

  const output = [...written, (await get("/metrics")).text, ...answers.map(({ text }) => text)].join("\n");
  expect(output).toContain("violates check constraint");
  for (const secret of ["canary", SECRET.slice(4), OTHER_SECRET.slice(4), sign(body, SECRET).slice(7)]) {
    expect(output).not.toContain(secret);
  }
});

test("a rejected webhook is logged with its reason", async (context) => {
  const { post, send, lines } = await ingest(context, { REDIS_URL: undefined });
  await post("{}", OTHER_SECRET);
  await send("{}");
  await post(Buffer.alloc(1024 * 1024 + 1));
  expect(lines().filter(({ code }) => code === "webhook-rejected")).toMatchObject([
    { level: "warn", reason: "wrong-signature" },
    { level: "warn", reason: "no-signature-and-no-secret" },
    { level: "warn", reason: "too-large" },
  ]);
});

test("a thousand connections that send nothing disturb no webhook", async (context) => {
  const { port, post } = await ingest(context);
  const silent = await Promise.all(Array.from({ length: 1_000 }, () => openSocket(port)));
  const answers = await Promise.all(Array.from({ length: 20 }, () => post("{}")));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  for (const socket of silent) socket.destroy();
});

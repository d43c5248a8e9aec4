import { payload, sign } from "@dossier/simulator";
import { expect, test } from "vitest";
import { ingest, OTHER_SECRET, SECRET } from "./harness.ts";
import { opened } from "./http.ts";

test("neither personal data nor a secret reaches a log line or a metric, whatever becomes of a webhook", async (context) => {
  const { post, send, get, pool, printed } = await ingest(context);
  const told = payload({
    event: "canary-event",
    id: "canary-id",
    entityId: "canary-entity",
    data: { entity: "canary-name", email: "canary@mail", description: "canary-description" },
  });
  const body = JSON.stringify({ ...told, secret: SECRET, canary: { canary: ["canary"] } });
  const headers = { "user-agent": "canary-agent", "x-request-id": "canary-request", cookie: "canary-cookie" };

  const answers = [
    await post(body),
    await post(body.slice(0, -1)),
    await send(body, headers),
    await post(body, OTHER_SECRET),
    await send(body, { ...headers, "abp-webhook-signature": `canary ${SECRET}` }),
    await send(JSON.stringify({ ...told, secret: OTHER_SECRET })),
    await send(body.slice(0, -1), headers),
    await post(body.repeat(4_000)),
  ];
  // Postgres's own error then quotes the row.
  await pool.query("alter table deliveries add constraint refuses check (false) not valid");
  answers.push(await post(body), await send(body));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 401, 401, 401, 401, 413, 503, 503]);

  const said = [...printed, (await get("/metrics")).text, ...answers.map(({ text }) => text)].join("\n");
  expect(said).toContain("violates check constraint");
  for (const kept of ["canary", SECRET.slice(4), OTHER_SECRET.slice(4), sign(body, SECRET).slice(7)]) {
    expect(said).not.toContain(kept);
  }
});

test("a thousand connections that send nothing disturb no webhook", async (context) => {
  const { port, post } = await ingest(context);
  const silent = await Promise.all(Array.from({ length: 1_000 }, () => opened(port)));
  const answers = await Promise.all(Array.from({ length: 20 }, () => post("{}")));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  for (const socket of silent) socket.destroy();
});

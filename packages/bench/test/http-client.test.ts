import { scenario } from "@dossier/simulator";
import { expect, test } from "vitest";
import { createRequests } from "../src/http-client.ts";

test("a request has the bytes of its webhook's body, and no others", () => {
  const requests = createRequests(2_000, 7, 0.1);

  const { webhooks } = scenario({ persons: 2_000, seed: 7, duplicates: 0.1, shuffle: 0.1 });
  const bodies = Iterator.from(webhooks)
    .take(2_000)
    .map(({ body }) => body.toString());
  const sent = requests.map(({ bytes }) => bytes.toString().split("\r\n\r\n")[1]);
  expect(sent).toEqual([...bodies]);
});

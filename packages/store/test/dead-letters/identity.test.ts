import { expect, test, vi } from "vitest";
import { findIdentity } from "../../src/index.ts";
import { useRecord } from "../database.ts";
import { eventBody } from "../fixtures.ts";

vi.mock("@dossier/events", async (original) => ({
  ...(await original<object>()),
  parseDelivery: () => {
    throw new TypeError("a fault of the parser");
  },
}));

const database = useRecord();

test("a delivery that the parser fails at has no identity, and throws nothing", async () => {
  const { pool } = database;
  const [deliveryId] = await database.record(eventBody("a"));
  expect(await findIdentity(pool, deliveryId!)).toBeUndefined();
});

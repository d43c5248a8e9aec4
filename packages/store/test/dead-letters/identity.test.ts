import { expect, test, vi } from "vitest";
import { findIdentity } from "../../src/index.ts";
import { freshGraveyard, pending } from "./graveyard.ts";

vi.mock("@dossier/events", async (original) => ({
  ...(await original<object>()),
  parseDelivery: () => {
    throw new TypeError("a fault of the reader");
  },
}));

test("a delivery that this code fails to read tells of no event, and fails nobody who asks", async (context) => {
  const { pool, receive } = await freshGraveyard(context);
  const [deliveryId] = await receive(pending("a"));
  expect(await findIdentity(pool, deliveryId!)).toBeUndefined();
});

import { expect, test, vi } from "vitest";
import { parseIdentity } from "../../src/inbox/identity.ts";
import { eventBody } from "../fixtures.ts";

test("a delivery that the parser fails at has no identity, and throws nothing", () => {
  const body = eventBody("a");
  const parser = vi.spyOn(Object, "hasOwn").mockImplementation(() => {
    throw new TypeError("a fault of the parser");
  });
  try {
    expect(parseIdentity(body)).toBeUndefined();
    expect(parser).toHaveBeenCalled();
  } finally {
    parser.mockRestore();
  }
  expect(parseIdentity(body)).toMatchObject({ entityId: "a" });
});

import { createToken } from "@dossier/store";
import { eventBody } from "@dossier/store/fixtures";
import { expect, test } from "vitest";
import { useConsole } from "./harness.ts";

const shared = useConsole(({ recordAndSettle }) =>
  recordAndSettle(
    eventBody("e-1", { data: { entity: "Ada Lovelace", email: "ada@mail.example" } }),
    eventBody("e-2", { data: { entity: "Ada Byron", email: "byron@mail.example" } }),
    eventBody("e-2", { event: "SomethingNew", id: "2" }),
    eventBody("e-3", { event: "NaturalPersonAutoApproved", id: "3", data: { entity: "Ada King" } }),
    eventBody("e-3", {
      id: "4",
      creationTimeUtc: "2999-01-01T00:00:00Z",
      data: { entity: "Ada King", isClientUpdateRequest: true },
    }),
  ),
);
const search = async (body: object, headers = {}) => {
  const { status, json } = await shared().post("/natural-persons/search", body, headers);
  expect(status).toBe(200);
  return { ids: json.items.map((person: { entityId: string }) => person.entityId), next: json.nextCursor };
};

test("a search has its term and all filters in the body, and pages", async () => {
  const one = await search({ q: "ADA", limit: 2 });
  expect(one.ids).toEqual(["e-1", "e-2"]);
  expect(await search({ q: "ADA", limit: 2, cursor: one.next })).toEqual({ ids: ["e-3"], next: null });
  expect((await search({ q: "ada", unknownEvents: true })).ids).toEqual(["e-2"]);
  expect((await search({ q: "ada", reviewNeeded: true })).ids).toEqual(["e-3"]);
  expect((await search({ q: "ada", status: "approved", asOf: "2998-01-01T00:00:00Z" })).ids).toEqual(["e-3"]);
  expect((await search({ q: "ada", knownAt: "2020-01-01T00:00:00Z" })).ids).toEqual([]);
  const list = async (query: string) => (await shared().get(`/natural-persons?${query}`)).json.items;
  expect(await list("reviewNeeded=true")).toMatchObject([{ entityId: "e-3" }]);
  expect(await list("unknownEvents=true")).toMatchObject([{ entityId: "e-2" }]);
  const { status, json } = await shared().post("/natural-persons/search", { q: "\0", reviewNeeded: "yes" });
  expect([status, json.errors.map(({ name }: { name: string }) => name)]).toEqual([
    400,
    ["reviewNeeded", "q"],
  ]);
});

test("the persons found are counted where that is asked for, and not at an earlier time", async () => {
  const { get, post } = shared();
  const three = { count: 3, isMore: false };
  const search = (body: object) => post("/natural-persons/search", { q: "ada", limit: 1, ...body });
  expect((await search({ count: true })).json).toMatchObject({ items: [{}], found: three });
  expect((await search({ count: true, knownAt: "2998-01-01T00:00:00Z" })).json.found).toBeNull();
  expect((await search({})).json).not.toHaveProperty("found");
  expect((await get("/natural-persons?q=ada&limit=1&count=true")).json.found).toEqual(three);
  expect((await get("/natural-persons?count=yes")).json.errors).toMatchObject([{ name: "count" }]);
});

test("a viewer finds persons by their whole e-mail or id alone, a service by any part", async () => {
  const authorize = async (isService: boolean) => {
    const { token } = await createToken(shared().pool, { name: "Vi", role: "viewer", isService });
    return { authorization: `Bearer ${token}` };
  };
  expect((await search({ q: "ada", limit: 1 }, await authorize(true))).ids).toEqual(["e-1"]);
  const authorization = await authorize(false);
  const found = async (q: string) => (await search({ q }, authorization)).ids;
  expect(await found("Ada@mail.example")).toEqual(["e-1"]);
  expect(await found("e-2")).toEqual(["e-2"]);
  for (const part of ["ada", "Ada King", "@mail.example", "e-", "%"]) {
    expect(await found(part)).toEqual([]);
    const { json } = await shared().get(`/natural-persons?q=${encodeURIComponent(part)}`, authorization);
    expect(json.items).toEqual([]);
  }
});

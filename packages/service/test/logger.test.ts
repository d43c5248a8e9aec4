import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { version, type Logger } from "../src/index.ts";
import { testLogger } from "./fixtures/test-logger.ts";

describe("a log line", () => {
  test("is JSON with level, ISO time, service and version", () => {
    const { log, lines } = testLogger();
    log.info({ deliveryId: "d-1" }, "recorded");
    expect(lines()).toEqual([
      {
        level: "info",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        service: "test",
        version,
        deliveryId: "d-1",
        msg: "recorded",
      },
    ]);
  });

  test("is not written below the level", () => {
    const { log, text } = testLogger("info");
    log.debug("too detailed");
    expect(text()).toBe("");
  });

  test("masks fields whose names suggest secrets or personal data", () => {
    const { log, text } = testLogger();
    log.info({ authorization: "hush", request: { headers: { cookie: "hush" } }, data: "hush" });
    expect(text()).toContain("[masked]");
    expect(text()).not.toContain("hush");
  });

  test.each([
    ["as { err } with a message", (log, err) => log.error({ err }, "failed")],
    ["as { err } alone", (log, err) => log.error({ err })],
    ["with a message", (log, err) => log.error(err, "failed")],
    ["alone", (log, err) => log.error(err)],
  ] satisfies [string, (log: Logger, err: Error) => void][])(
    "holds none of an error's data when the error is passed %s",
    (_, write) => {
      const { log, lines, text } = testLogger();
      const message = 'invalid input syntax for type json: "hush"';
      write(log, Object.assign(new Error(message), { code: "22P02", detail: "hush" }));
      expect(lines()).toMatchObject([{ err: { type: "Error", code: "22P02" } }]);
      expect(text()).not.toContain("hush");
    },
  );
});

test("every package has the version that the services report", () => {
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const manifests = globSync(["package.json", "packages/*/package.json"], { cwd: root });
  expect(manifests.length).toBeGreaterThan(5);
  const versions = manifests.map((path) => [
    path,
    JSON.parse(readFileSync(`${root}/${path}`, "utf8")).version,
  ]);
  expect(versions).toEqual(manifests.map((path) => [path, version]));
});

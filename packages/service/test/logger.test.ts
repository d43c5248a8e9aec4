import { describe, expect, test } from "vitest";
import { createLogger, version } from "../src/index.ts";

function capture() {
  const lines: string[] = [];
  const log = createLogger({
    service: "ingest",
    level: "info",
    destination: { write: (line) => lines.push(line) },
  });
  return { log, lines };
}

describe("a log line", () => {
  test("is JSON with level, ISO time, service and version", () => {
    const { log, lines } = capture();
    log.info({ deliveryId: "d-1" }, "recorded");
    log.debug("too fine");
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        level: "info",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        service: "ingest",
        version,
        deliveryId: "d-1",
        msg: "recorded",
      },
    ]);
  });

  test("masks what has the name of a secret or of personal data", () => {
    const { log, lines } = capture();
    log.info({ authorization: "hush", request: { headers: { cookie: "hush" } }, data: "hush" });
    expect(lines[0]).toContain("[masked]");
    expect(lines[0]).not.toContain("hush");
  });

  test.each([
    ["as { err } with a message", (log, err) => log.error({ err }, "failed")],
    ["as { err } alone", (log, err) => log.error({ err })],
    ["with a message", (log, err) => log.error(err, "failed")],
    ["alone", (log, err) => log.error(err)],
  ] satisfies [string, (log: ReturnType<typeof capture>["log"], err: Error) => void][])(
    "carries none of an error's data when it is given %s",
    (_, write) => {
      const { log, lines } = capture();
      write(
        log,
        Object.assign(new Error('invalid input syntax for type json: "hush"'), {
          code: "22P02",
          detail: "hush",
        }),
      );
      expect(JSON.parse(lines[0] ?? "")).toMatchObject({ err: { type: "Error", code: "22P02" } });
      expect(lines[0]).not.toContain("hush");
    },
  );
});

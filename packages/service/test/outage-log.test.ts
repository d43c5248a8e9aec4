import { describe, expect, test } from "vitest";
import { createLogger, outageLog } from "../src/index.ts";

function watched() {
  const lines: { level: string; msg: string }[] = [];
  const log = createLogger({
    service: "test",
    level: "info",
    destination: { write: (line) => lines.push(JSON.parse(line)) },
  });
  return {
    outage: outageLog(log, "the queue"),
    said: () => lines.map(({ level, msg }) => `${level}: ${msg}`),
  };
}

const TROUBLE = "error: the queue is in trouble; it is tried until it works";
const WORKS = "info: the queue works again";

describe("an outage", () => {
  test("is told once, however often it is met, and so is its end", () => {
    const { outage, said } = watched();
    outage.recovered();
    for (let n = 0; n < 3; n++) outage.failed(new Error("away"));
    expect(said()).toEqual([TROUBLE]);
    for (let n = 0; n < 3; n++) outage.recovered();
    expect(said()).toEqual([TROUBLE, WORKS]);
    outage.failed(new Error("away again"));
    expect(said()).toEqual([TROUBLE, WORKS, TROUBLE]);
  });

  test("is noticed in the work that it fails, which fails all the same, and its end in the work that succeeds", async () => {
    const { outage, said } = watched();
    await expect(outage.watch(() => Promise.reject(new Error("away")))).rejects.toThrow("away");
    expect(await outage.watch(() => Promise.resolve(7))).toBe(7);
    expect(said()).toEqual([TROUBLE, WORKS]);
  });
});

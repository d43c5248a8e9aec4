import { expect, onTestFinished, test, vi } from "vitest";
import { waitFor } from "../src/index.ts";

test("what passes at once is returned at once", async () => {
  expect(await waitFor(() => 0)).toBe(0);
  expect(await waitFor(async () => "")).toBe("");
});

test("the probe is called until it returns something", async () => {
  const answers = [undefined, null, false, "there"];
  expect(await waitFor(() => answers.shift())).toBe("there");
  expect(answers).toEqual([]);
});

test("the probe is called until what it returns passes the check", async () => {
  let calls = 0;
  const seen = await waitFor(
    () => ++calls,
    (count) => expect(count).toBe(3),
  );
  expect([seen, calls]).toEqual([3, 3]);
  await waitFor(
    () => ++calls,
    (count) => count > 5,
  );
  expect(calls).toBe(6);
});

test("a probe that throws is called again", async () => {
  let calls = 0;
  const seen = await waitFor(() => {
    if (++calls < 3) throw new Error("not yet");
    return calls;
  });
  expect(seen).toBe(3);
});

test("the pauses grow, and the error says what was seen last", async () => {
  let calls = 0;
  const waited = waitFor(
    () => ({ calls: ++calls }),
    (seen) => expect(seen.calls).toBe(1_000),
    Date.now() + 1_500,
  );
  const error = (await waited.catch((reason: unknown) => reason)) as Error;
  expect(error.message).toBe(`timed out: last saw { calls: ${calls} }`);
  expect(error.cause).toMatchObject({ expected: 1_000, actual: calls });
  expect(calls).toBeLessThan(20);
});

test("the end says why the probe threw last", async () => {
  const fail = () => Promise.reject(new Error("not listening"));
  await expect(waitFor(fail, undefined, Date.now())).rejects.toMatchObject({
    message: "timed out: the probe failed",
    cause: { message: "not listening" },
  });
});

test("the wait ends two seconds before the test's own timeout", { timeout: 30_000 }, async ({ task }) => {
  const started = task.result?.startTime ?? 0;
  const clock = vi.spyOn(Date, "now").mockReturnValue(started + 27_900);
  onTestFinished(() => clock.mockRestore());
  let calls = 0;
  const waited = waitFor(() => {
    calls += 1;
    if (calls === 2) clock.mockReturnValue(started + 28_000);
    return false;
  });
  await expect(waited).rejects.toThrow("timed out");
  expect(calls).toBe(2);
});

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

const WAITS = [
  ["the wait ends two seconds before the test's own timeout", { triedFor: undefined, endsAfter: 28_000 }],
  ["a second try of a test has its whole time again", { triedFor: 30_000, endsAfter: 58_000 }],
] as const;

test.for(WAITS)("%s", { timeout: 30_000 }, async ([, { triedFor, endsAfter }], { task }) => {
  const startTime = task.result?.startTime ?? 0;
  if (triedFor !== undefined)
    task.result?.attempts?.push({
      state: "fail",
      startTime,
      duration: triedFor,
      retryIndex: 0,
      repeatIndex: 0,
    });
  const clock = vi.spyOn(Date, "now").mockReturnValue(startTime + endsAfter - 100);
  onTestFinished(() => {
    clock.mockRestore();
    task.result?.attempts?.pop();
  });
  let calls = 0;
  const waited = waitFor(() => {
    calls += 1;
    if (calls === 2) clock.mockReturnValue(startTime + endsAfter);
    return false;
  });
  await expect(waited).rejects.toThrow("timed out");
  expect(calls).toBe(2);
});

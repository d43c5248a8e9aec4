import { expect, test } from "vitest";
import { shareReads } from "../src/shared-read.ts";

test("whoever asks during a read shares the next one, which begins after it, also if it fails", async () => {
  const begun: PromiseWithResolvers<number>[] = [];
  const read = shareReads(() => {
    const one = Promise.withResolvers<number>();
    begun.push(one);
    return one.promise;
  });
  const first = read();
  await Promise.resolve();
  const others = [read(), read()];
  expect(begun.length).toBe(1);
  begun[0]?.reject(new Error("away"));
  await expect(first).rejects.toThrow("away");
  await expect.poll(() => begun.length).toBe(2);
  begun[1]?.resolve(2);
  expect(await Promise.all(others)).toEqual([2, 2]);
  const last = read();
  await expect.poll(() => begun.length).toBe(3);
  begun[2]?.resolve(3);
  expect(await last).toBe(3);
});

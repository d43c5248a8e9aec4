import { expect, test } from "vitest";
import { shareReads } from "../src/shared-read.ts";

function startReads(freshMs: number) {
  const begun: PromiseWithResolvers<number>[] = [];
  const shared = shareReads(() => {
    const one = Promise.withResolvers<number>();
    begun.push(one);
    return one.promise;
  }, freshMs);
  return { begun, ...shared };
}

test("whoever asks too late for a read shares the next one, which begins after it, also if it fails", async () => {
  const { begun, read } = startReads(0);
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

test("whoever asks soon after a read gets what it found, unless it failed", async () => {
  const { begun, read } = startReads(60_000);
  const first = read();
  await Promise.resolve();
  begun[0]?.reject(new Error("away"));
  await expect(first).rejects.toThrow("away");
  const second = read();
  await expect.poll(() => begun.length).toBe(2);
  const during = read();
  begun[1]?.resolve(2);
  expect(await Promise.all([second, during, read()])).toEqual([2, 2, 2]);
  expect(begun.length).toBe(2);
});

test("what has changed is read anew, also if it changed during a read", async () => {
  const { begun, read, forget } = startReads(60_000);
  const first = read();
  await Promise.resolve();
  forget();
  const second = read();
  begun[0]?.resolve(1);
  expect(await first).toBe(1);
  await expect.poll(() => begun.length).toBe(2);
  begun[1]?.resolve(2);
  expect(await Promise.all([second, read()])).toEqual([2, 2]);
  forget();
  const third = read();
  await expect.poll(() => begun.length).toBe(3);
  begun[2]?.resolve(3);
  expect(await third).toBe(3);
});

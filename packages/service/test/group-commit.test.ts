import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { groupCommit, BufferFullError, type GroupCommit, type GroupCommitOptions } from "../src/index.ts";

/** A group commit whose flushes end when the test ends them. */
function controlledCommit(options: Omit<GroupCommitOptions<number>, "weigh">) {
  const flushes: { items: readonly number[]; end: (error?: Error) => void }[] = [];
  let flushed = Promise.withResolvers<void>();
  let inFlight = 0;
  let mostInFlight = 0;
  const commits: GroupCommit<number, string> = groupCommit(
    (items) => {
      mostInFlight = Math.max(mostInFlight, ++inFlight);
      const { promise, resolve, reject } = Promise.withResolvers<string[]>();
      flushes.push({
        items,
        end(error) {
          inFlight -= 1;
          if (error === undefined) resolve(items.map((item) => `done ${item}`));
          else reject(error);
        },
      });
      flushed.resolve();
      return promise;
    },
    { weigh: (item) => item, ...options },
  );
  return {
    commits,
    get mostInFlight() {
      return mostInFlight;
    },
    /** Returns the next flush, once there is one. */
    async next() {
      while (flushes.length === 0) {
        await flushed.promise;
        flushed = Promise.withResolvers();
      }
      const [flush] = flushes.splice(0, 1);
      if (flush === undefined) throw new Error("there is no flush");
      return flush;
    },
  };
}

const UNLIMITED = { maxFlush: 1_000_000, maxWaiting: 1_000_000 };

test("one flush is in flight; items that arrive meanwhile share the next", async () => {
  const { commits, next } = controlledCommit(UNLIMITED);
  const first = commits.submit(1);
  const alone = await next();
  const others = [commits.submit(2), commits.submit(3)];
  expect(alone.items).toEqual([1]);
  alone.end();
  const shared = await next();
  expect(shared.items).toEqual([2, 3]);
  shared.end();
  expect(await Promise.all([first, ...others])).toEqual(["done 1", "done 2", "done 3"]);
});

test("a further flush begins beside one in flight once enough waits to fill it, and not before", async () => {
  const { commits, next } = controlledCommit({ maxFlush: 10, maxWaiting: 100, flushesAtOnce: 2 });
  const submitted = [commits.submit(3)];
  const first = await next();
  submitted.push(commits.submit(5), commits.submit(4));
  // It does not wait for an item that leaves no room for the next.
  submitted.push(commits.submit(6));
  const second = await next();
  expect([first.items, second.items]).toEqual([[3], [5, 4]]);
  submitted.push(commits.submit(9));
  second.end();
  const third = await next();
  expect(third.items).toEqual([6]);
  third.end();
  first.end();
  const last = await next();
  expect(last.items).toEqual([9]);
  last.end();
  await Promise.all([...submitted, commits.idle()]);
});

test("items submitted in one turn of the event loop share a flush", async () => {
  const { commits, next } = controlledCommit(UNLIMITED);
  const submitted = [1, 2, 3].map((item) => commits.submit(item));
  const flush = await next();
  expect(flush.items).toEqual([1, 2, 3]);
  flush.end();
  await Promise.all(submitted);
});

test("a failing flush rejects its own callers only", async () => {
  const { commits, next } = controlledCommit(UNLIMITED);
  const failing = [commits.submit(1), commits.submit(2)];
  const failed = await next();
  const fine = commits.submit(3);
  failed.end(new Error("disk full"));
  await Promise.all(failing.map((one) => expect(one).rejects.toThrow("disk full")));
  (await next()).end();
  expect(await fine).toBe("done 3");
});

test("a flush that throws synchronously is a failing flush", async () => {
  const commits = groupCommit<number, string>(
    () => {
      throw new Error("no flush");
    },
    { weigh: () => 1, ...UNLIMITED },
  );
  await expect(commits.submit(1)).rejects.toThrow("no flush");
  await expect(commits.submit(2)).rejects.toThrow("no flush");
});

test("an item without room is rejected at once; a flush makes room again", async () => {
  const { commits, next } = controlledCommit({ maxFlush: 10, maxWaiting: 10 });
  const held = commits.submit(8);
  await expect(commits.submit(3)).rejects.toBeInstanceOf(BufferFullError);
  const beside = commits.submit(2);
  const flush = await next();
  expect(flush.items).toEqual([8, 2]);
  await expect(commits.submit(1)).rejects.toBeInstanceOf(BufferFullError);
  flush.end();
  await Promise.all([held, beside]);
  const later = commits.submit(10);
  (await next()).end();
  await later;
});

test("an item above all limits is accepted if nothing else waits, and flushed alone", async () => {
  const { commits, next } = controlledCommit({ maxFlush: 10, maxWaiting: 20 });
  const heavy = commits.submit(1_000);
  await expect(commits.submit(1)).rejects.toBeInstanceOf(BufferFullError);
  (await next()).end();
  expect(await heavy).toBe("done 1000");
});

test("a failing flush makes room again", async () => {
  const { commits, next } = controlledCommit({ maxFlush: 10, maxWaiting: 10 });
  const failing = commits.submit(10);
  (await next()).end(new Error("disk full"));
  await expect(failing).rejects.toThrow("disk full");
  const later = commits.submit(10);
  (await next()).end();
  await later;
});

test("idle resolves when nothing is in flight and nothing is waiting", async () => {
  const { commits, next } = controlledCommit({ maxFlush: 1, maxWaiting: 10 });
  await commits.idle();
  const submitted = [commits.submit(1), commits.submit(1)];
  let idle = false;
  const waited = commits.idle().then(() => (idle = true));
  (await next()).end();
  await submitted[0];
  expect(idle).toBe(false);
  (await next()).end();
  await waited;
  await Promise.all(submitted);
});

const weights = fc.array(fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 8 }), { maxLength: 12 });

test("any load is flushed in order, once, within the limits, and each caller gets its own output", async () => {
  await fc.assert(
    fc.asyncProperty(
      weights,
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 3 }),
      fc.infiniteStream(fc.boolean()),
      fc.infiniteStream(fc.integer({ min: 1, max: 4 })),
      async (turns, maxFlush, maxWaiting, flushesAtOnce, fails, lasts) => {
        let held = 0;
        let inFlight = 0;
        let waiting = 0;
        const flushed: number[] = [];
        const weightOf = turns.flat();
        const commits = groupCommit<number, number>(
          async (items) => {
            expect(inFlight === 0 || (inFlight < flushesAtOnce && waiting >= maxFlush)).toBe(true);
            inFlight += 1;
            const weight = items.reduce((sum, item) => sum + (weightOf[item] ?? 0), 0);
            expect(items.length === 1 || weight <= maxFlush).toBe(true);
            waiting -= weight;
            flushed.push(...items);
            for (let turn = lasts.next().value; turn > 0; turn--) await new Promise(setImmediate);
            inFlight -= 1;
            if (fails.next().value) throw new Error(`with ${items[0]}`);
            return items.map((item) => item * 10);
          },
          { weigh: (item) => weightOf[item] ?? 0, maxFlush, maxWaiting, flushesAtOnce },
        );
        let item = 0;
        const accepted: number[] = [];
        const outputs: Promise<void>[] = [];
        for (const turn of turns) {
          for (const weight of turn) {
            const own = item++;
            const fits = held === 0 || held + weight <= maxWaiting;
            if (fits) {
              held += weight;
              waiting += weight;
              accepted.push(own);
            }
            outputs.push(
              commits.submit(own).then(
                (output) => expect(output).toBe(own * 10),
                (error: Error) => expect(error instanceof BufferFullError).toBe(!fits),
              ),
            );
            if (fits)
              outputs.at(-1)?.then(
                () => (held -= weight),
                () => undefined,
              );
          }
          await new Promise(setImmediate);
        }
        await Promise.all(outputs);
        await commits.idle();
        expect(flushed).toEqual(accepted);
      },
    ),
    { numRuns: 300 },
  );
});

test("each caller waits for timeoutMs at most, whichever flush has its item", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const { commits, next } = controlledCommit({ ...UNLIMITED, timeoutMs: 1_000 });
  const settled: string[] = [];
  const submit = (item: number) =>
    void commits.submit(item).then(
      () => settled.push(`${item} flushed`),
      () => settled.push(`${item} rejected`),
    );
  submit(1);
  const first = await next();
  await vi.advanceTimersByTimeAsync(600);
  submit(2);
  await vi.advanceTimersByTimeAsync(399);
  expect(settled).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(settled).toEqual(["1 rejected"]);
  await vi.advanceTimersByTimeAsync(600);
  expect(settled).toEqual(["1 rejected", "2 rejected"]);
  first.end();
  (await next()).end();
  await commits.idle();
  submit(3);
  (await next()).end();
  await commits.idle();
  submit(4);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(settled.slice(2)).toEqual(["3 flushed", "4 rejected"]);
  (await next()).end();
});

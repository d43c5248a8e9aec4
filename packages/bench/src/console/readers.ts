// Readers of the console at once, each with a session of its own, in a process of its own.
import { setTimeout as delay } from "node:timers/promises";
import { Random } from "@dossier/simulator";
import { answerCalls } from "../child.ts";
import { pagesOf, type Subjects } from "./pages.ts";
import { open, signIn, type Sample } from "./visit.ts";

export interface ReaderLoad {
  readonly url: string;
  /** One for each reader. */
  readonly tokens: readonly string[];
  readonly pauseMs: number;
  readonly seconds: number;
  readonly subjects: Subjects;
}

answerCalls(async ({ url, tokens, pauseMs, seconds, subjects }: ReaderLoad) => {
  const samples: Sample[] = [];
  await Promise.all(tokens.map((token, index) => read(token, index)));
  return samples;

  async function read(token: string, index: number): Promise<void> {
    const cookie = await signIn(url, token);
    const closed = new AbortController();
    const live = follow(`${url}/worklist/events`, cookie, closed.signal);
    const random = new Random(1, "history", index);
    // Not all begin in the same moment.
    await delay((pauseMs * index) / tokens.length);
    const until = performance.now() + seconds * 1_000;
    while (performance.now() < until) {
      for (const visit of random.shuffle(pagesOf(subjects, (choices) => random.pick(choices)))) {
        if (performance.now() >= until) break;
        samples.push(await open(url, cookie, visit));
        await delay(pauseMs);
      }
    }
    closed.abort();
    await live;
  }
});

/** Reads the worklist's live parts, as an open tab does. */
async function follow(url: string, cookie: string, signal: AbortSignal): Promise<void> {
  try {
    const { body } = await fetch(url, { headers: { cookie }, signal });
    for await (const _ of body ?? []);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

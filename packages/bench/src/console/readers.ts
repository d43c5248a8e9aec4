// Readers of the console at once, each with a session of its own, in a process of its own.
import { setTimeout as delay } from "node:timers/promises";
import { Random } from "@dossier/simulator";
import { report } from "../child.ts";
import { pagesOf, type PageVisit, type Subjects } from "./pages.ts";

export interface ReaderLoad {
  readonly url: string;
  /** One for each reader. */
  readonly tokens: readonly string[];
  readonly pauseMs: number;
  readonly seconds: number;
  readonly subjects: Subjects;
}

/** One page that was read. */
export interface Sample {
  readonly name: string;
  readonly ms: number;
  readonly status: number;
}

await report(async ({ url, tokens, pauseMs, seconds, subjects }: ReaderLoad) => {
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

async function signIn(url: string, token: string): Promise<string> {
  const response = await send(url, "", { path: "/sign-in", form: { token, next: "/" } });
  const [cookie] = response.headers.getSetCookie();
  if (cookie === undefined) throw new Error(`signing in was answered ${response.status}`);
  return cookie.split(";")[0] ?? "";
}

/** Opens a page, and the one that it leads to. */
async function open(url: string, cookie: string, visit: PageVisit): Promise<Sample> {
  const startedAt = performance.now();
  let response = await send(url, cookie, visit);
  await response.text();
  const location = response.headers.get("location");
  if (location !== null) {
    response = await send(url, cookie, { path: location });
    await response.text();
  }
  return { name: visit.name, ms: performance.now() - startedAt, status: response.status };
}

function send(url: string, cookie: string, { path, form }: Omit<PageVisit, "name">): Promise<Response> {
  return fetch(`${url}${path}`, {
    redirect: "manual",
    headers: { cookie, ...(form && { origin: url }) },
    ...(form && { method: "POST", body: new URLSearchParams(form) }),
  });
}

/** Reads the worklist's live parts, as an open tab does. */
async function follow(url: string, cookie: string, signal: AbortSignal): Promise<void> {
  try {
    const { body } = await fetch(url, { headers: { cookie }, signal });
    for await (const _ of body ?? []);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

import { config } from "../config.ts";
import type { Servers } from "./find.ts";

/** The part of vitest's test context that `needs` uses. */
export interface Skippable {
  skip(note: string): never;
}

/**
 * Skips the calling test, with the reason, where a server that it needs is not at hand; with `CI=true`,
 * fails it. For a test that starts a server of its own; the `fresh…` functions call it themselves.
 */
export async function needs(context: Skippable, server: keyof Servers): Promise<void> {
  const found = (await shared())[server];
  if (!("missing" in found)) return;
  if (config.ci) throw new Error(found.missing);
  context.skip(found.missing);
}

/** The URL of the server that all tests of this run share. */
export async function sharedUrl(server: "postgres" | "redis"): Promise<string> {
  const found = (await shared())[server];
  if ("missing" in found) throw new Error(found.missing);
  return found.url;
}

async function shared(): Promise<Servers> {
  // At call time: the commands that import this package for its journeys run where vitest is not installed.
  const { inject } = await import("vitest");
  return inject("servers");
}

import type { StatsAnswer } from "@dossier/console";
import type { JsonObject } from "@dossier/events";
import type { Result } from "@dossier/service";
import { describeError } from "@dossier/service/error";
import { readConsoleConfig } from "./config.ts";
import { findTrial } from "./trial.ts";

/** The console's API. Every call throws a `ConsoleError` unless it is answered with success. */
export interface ConsoleClient {
  /** @param path below `/api/v1/`, with its query */
  get<Answer>(path: string): Promise<Answer>;
  post<Answer>(path: string, body: object): Promise<Answer>;
  /** Whether the console can serve what it is for. */
  isReady(): Promise<boolean>;
}

/** An answer that is no success, or none at all. The message is one line that says what to do. */
class ConsoleError extends Error {
  override readonly name = "ConsoleError";
  /** The HTTP status; `undefined` where nothing answered, or something other than the console. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

/** What every command that asks the console reads of the environment, for its help. */
export const CONSOLE_ENVIRONMENT = `Environment: CONSOLE_URL (default: this machine, at CONSOLE_PORT,
  else the trial's port, else 8081);
  DOSSIER_API_TOKEN (default: the trial's, in DOSSIER_DATA_DIR). Each also as NAME_FILE.`;

/** Returns a client of the console that the environment names, or of the trial's. */
export async function connectConsole(url?: URL): Promise<Result<ConsoleClient>> {
  const config = readConsoleConfig();
  if (!config.ok) return config;
  const { CONSOLE_URL, CONSOLE_PORT, DOSSIER_API_TOKEN, DOSSIER_DATA_DIR } = config.value;
  const trial = await findTrial(DOSSIER_DATA_DIR);
  const port = CONSOLE_PORT ?? trial?.ports.console ?? 8081;
  const base = url ?? new URL(CONSOLE_URL ?? `http://127.0.0.1:${port}`);
  const token = DOSSIER_API_TOKEN ?? trial?.apiToken;
  return { ok: true, value: createConsoleClient(base, token) };
}

/** @param token the bearer token; a console without one serves its own machine only */
export function createConsoleClient(base: URL, token: string | undefined): ConsoleClient {
  const onNetworkError = (error: unknown) => {
    throw createNetworkError(base, error);
  };

  async function call<Answer>(method: "GET" | "POST", path: string, body?: object): Promise<Answer> {
    const url = new URL(`/api/v1/${path}`, base);
    const headers = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body && { "content-type": "application/json" }),
    };
    const request = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const response = await fetch(url, request).catch(onNetworkError);
    const answer = parseJson(await response.text().catch(onNetworkError));
    if (response.ok && answer !== undefined) return answer as Answer;
    throw createError(base, token, response.status, answer);
  }
  return {
    get: (path) => call("GET", path),
    post: (path, body) => call("POST", path, body),
    isReady: async () => (await fetch(new URL("/readyz", base)).catch(onNetworkError)).ok,
  };
}

const MAY_BE_AT_WORK = "It may still be at work: `dossier dead list` shows what is left.";

function createNetworkError({ origin }: URL, error: unknown): ConsoleError {
  const { message, code, cause } = describeError(error);
  switch (cause?.code ?? code ?? "") {
    case "UND_ERR_HEADERS_TIMEOUT":
      return new ConsoleError(`The console at ${origin} has not answered in time. ${MAY_BE_AT_WORK}`);
    case "UND_ERR_SOCKET":
    case "ECONNRESET":
      return new ConsoleError(
        `The connection to the console at ${origin} ended before its answer. ${MAY_BE_AT_WORK}`,
      );
    default:
      return new ConsoleError(
        `No console answers at ${origin} (${cause?.message ?? message}): start it, or set CONSOLE_URL.`,
      );
  }
}

/** Returns `undefined` for what is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function createError(
  { origin }: URL,
  token: string | undefined,
  status: number,
  answer: unknown,
): ConsoleError {
  const { code, detail } = (answer ?? {}) as { code?: unknown; detail?: unknown };
  if (typeof code !== "string" || typeof detail !== "string") {
    return new ConsoleError(
      `What answers at ${origin} is not Dossier's console (HTTP ${status}): set CONSOLE_URL.`,
    );
  }
  if (status !== 401)
    return new ConsoleError(`The console at ${origin} answered ${status}: ${detail}`, status);
  const problem = token === undefined ? "needs a token" : "does not accept the token";
  return new ConsoleError(`The console at ${origin} ${problem}: set DOSSIER_API_TOKEN.`, status);
}

/** Items that a page has at most. */
export const PAGE_SIZE = 500;

/** Parameters of a list; `undefined` ones are left out. */
export type ListQuery = Readonly<Record<string, string | undefined>>;

/** Returns one page of a list. A `search` has its parameters in the body, as they may be personal data. */
export function fetchListPage<Page>(
  client: ConsoleClient,
  path: string,
  query: ListQuery,
  limit: number,
): Promise<Page> {
  if (path.endsWith("/search")) return client.post(path, { ...query, limit });
  const parameters = new URLSearchParams({ limit: String(limit) });
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, value);
  return client.get(`${path}?${parameters.toString()}`);
}

/** A page of a list. */
interface ListPage<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** Returns the first items of a list, from as many pages as they need, as one page: of the first one, if it has more. */
export async function fetchItems<Page extends ListPage<unknown>>(
  client: ConsoleClient,
  path: string,
  query: ListQuery,
  limit: number,
): Promise<Page> {
  const first = await fetchListPage<Page>(client, path, query, Math.min(PAGE_SIZE, limit));
  const items = [...first.items];
  let cursor = first.nextCursor;
  while (cursor !== null && items.length < limit) {
    const room = Math.min(PAGE_SIZE, limit - items.length);
    const page = await fetchListPage<Page>(client, path, { ...query, cursor }, room);
    items.push(...page.items);
    cursor = page.nextCursor;
  }
  return { ...first, items, nextCursor: cursor };
}

/** Returns a person's state, whatever the id is, or `undefined` if the console knows no such person. */
export async function fetchPerson(client: ConsoleClient, entityId: string): Promise<JsonObject | undefined> {
  const { items } = await fetchListPage<{ items: readonly JsonObject[] }>(
    client,
    "natural-persons",
    { entityId },
    1,
  );
  return items[0];
}

/** Returns how many accepted deliveries are not settled yet. */
export async function countOpenDeliveries(client: ConsoleClient): Promise<number> {
  const { deliveries } = await client.get<StatsAnswer>("stats");
  return deliveries.open;
}

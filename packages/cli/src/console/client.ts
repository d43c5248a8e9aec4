import type { Person } from "@dossier/events";

/** The console's API, as far as the commands read it. Rejects where it does not answer as it should. */
export interface ConsoleClient {
  /** `undefined` where the console knows no such person. */
  person(entityId: string): Promise<Person | undefined>;
  /** The first persons, in no order that means anything. */
  persons(limit: number): Promise<readonly Person[]>;
  /** How many accepted deliveries are not settled yet. */
  open(): Promise<number>;
}

/**
 * @param base of the console, such as `http://127.0.0.1:8081`
 * @param token the bearer token; a console without one serves its own machine alone
 */
export function consoleClient(base: URL, token: string | undefined): ConsoleClient {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };

  async function get<T>(path: string): Promise<T | undefined> {
    const url = new URL(`/api/v1/${path}`, base);
    const response = await fetch(url, { headers });
    if (response.status === 404) return undefined;
    if (response.ok) return (await response.json()) as T;
    throw new Error(`the console answered ${response.status} to ${url.pathname}: ${await response.text()}`);
  }

  return {
    person: (entityId) => get<Person>(`natural-persons/${encodeURIComponent(entityId)}`),
    persons: async (limit) => (await get<{ items: Person[] }>(`natural-persons?limit=${limit}`))?.items ?? [],
    open: async () => (await get<{ deliveries: { open: number } }>("stats"))?.deliveries.open ?? 0,
  };
}

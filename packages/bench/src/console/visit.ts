import type { PageVisit } from "./pages.ts";

/** One page that was read. */
export interface Sample {
  readonly name: string;
  readonly ms: number;
  readonly status: number;
}

/** Signs in. Returns the session's cookie. */
export async function signIn(url: string, token: string): Promise<string> {
  const response = await send(url, "", { path: "/sign-in", form: { token, next: "/" } });
  await response.text();
  const [cookie] = response.headers.getSetCookie();
  if (cookie === undefined) throw new Error(`signing in was answered ${response.status}`);
  return cookie.split(";")[0] ?? "";
}

/** Opens a page, and the one that it leads to. */
export async function open(url: string, cookie: string, visit: PageVisit): Promise<Sample> {
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

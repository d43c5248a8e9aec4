import type { TestConsole } from "../harness.ts";
import { exchange, type Answer } from "../http.ts";

/** What of a browser the pages' tests need: its cookie, and the headers that it sends with a form of the same page. */
export interface Browser {
  cookie: string;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, form?: Record<string, string>, headers?: Record<string, string>): Promise<Answer>;
  signIn(token: string, next?: string): Promise<Answer>;
}

export function openBrowser({ port }: TestConsole): Browser {
  const origin = `http://127.0.0.1:${port}`;

  async function send(path: string, options: Parameters<typeof exchange>[2]): Promise<Answer> {
    const headers = { ...(browser.cookie !== "" && { cookie: browser.cookie }), ...options?.headers };
    const answer = await exchange(port, path, { ...options, headers });
    for (const cookie of answer.headers["set-cookie"] ?? [])
      browser.cookie = cookie.includes("Max-Age=0") ? "" : (cookie.split(";")[0] ?? "");
    return answer;
  }

  const browser: Browser = {
    cookie: "",
    get: (path, headers = {}) => send(path, { headers }),
    post: (path, form = {}, headers = {}) =>
      send(path, {
        method: "POST",
        body: new URLSearchParams(form).toString(),
        headers: {
          "content-type": "application/x-www-form-urlencoded",
          origin,
          "sec-fetch-site": "same-origin",
          ...headers,
        },
      }),
    signIn: (token, next = "/") => browser.post("/sign-in", { token, next }),
  };
  return browser;
}

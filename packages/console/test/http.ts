import { once } from "node:events";
import { request, type ClientRequest, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";

/** A request; what `fetch` would not send may stand in it, too, such as a foreign Host. */
export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** Whatever the test takes it for. */
  readonly json: ReturnType<typeof JSON.parse>;
}

export function sent(
  port: number,
  path: string,
  { method = "GET", headers, body }: Asked = {},
): ClientRequest {
  const asked = request({ port, host: "127.0.0.1", method, path, headers: { ...headers }, agent: false });
  asked.end(body);
  return asked;
}

/** The head of the answer, and its body to come. */
export async function begun(asked: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return response;
}

/** Makes one request on a connection of its own. */
export async function exchange(port: number, path: string, asked?: Asked): Promise<Answer> {
  const response = await begun(sent(port, path, asked));
  const body = await text(response);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: body,
    get json() {
      return JSON.parse(body);
    },
  };
}

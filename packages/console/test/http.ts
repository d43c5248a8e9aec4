import { once } from "node:events";
import { request, type ClientRequest, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";

/** A request, also one that `fetch` would not send, such as one with another Host. */
export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** Parsed on each access, as `any`. */
  readonly json: ReturnType<typeof JSON.parse>;
}

/** Sends a request on a connection of its own. */
export function send(
  port: number,
  path: string,
  { method = "GET", headers, body }: RequestOptions = {},
): ClientRequest {
  const sent = request({ port, host: "127.0.0.1", method, path, headers: { ...headers }, agent: false });
  sent.end(body);
  return sent;
}

/** Resolves once the answer's headers have arrived. */
export async function responseTo(sent: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return response;
}

/** Sends a request on a connection of its own, and reads the whole answer. */
export async function exchange(port: number, path: string, options?: RequestOptions): Promise<Answer> {
  const response = await responseTo(send(port, path, options));
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

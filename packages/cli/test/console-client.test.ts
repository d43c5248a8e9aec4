import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { freePort } from "@dossier/embedded";
import { expect, onTestFinished, test } from "vitest";
import { createConsoleClient } from "../src/console-client.ts";
import { runDossier } from "./command.ts";

/** Starts a server that answers every request like this. */
async function startServer(answer: (response: ServerResponse) => void): Promise<URL> {
  const server = createServer((_, response) => answer(response));
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

test.each([
  ["a wrong token", 401, "token", { code: "unauthenticated", detail: "d" }, "set DOSSIER_API_TOKEN", 401],
  ["a missing token", 401, undefined, { code: "unauthenticated", detail: "d" }, "needs a token", 401],
  ["an outage", 503, "token", { code: "unavailable", detail: "ask later" }, "answered 503: ask later", 503],
  ["something else at the address", 404, "token", "hello", "set CONSOLE_URL", undefined],
])("%s is an error in one line that says what to do", async (_, status, token, body, message, known) => {
  const url = await startServer((response) => response.writeHead(status).end(JSON.stringify(body)));
  const failed = createConsoleClient(url, token).get("stats");
  await expect(failed).rejects.toMatchObject({ message: expect.stringContaining(message), status: known });
  await expect(failed).rejects.toThrow(url.origin);
});

test("a console that cannot be reached is an error that names its address and the cause", async () => {
  const url = new URL(`http://127.0.0.1:${await freePort()}`);
  const failed = createConsoleClient(url, undefined).get("stats");
  await expect(failed).rejects.toThrow(`No console answers at ${url.origin} (connect ECONNREFUSED`);
});

test.each([
  ["before the answer", (response: ServerResponse) => response.destroy()],
  [
    "within the answer",
    (response: ServerResponse) => response.write('{"redriven":', () => response.destroy()),
  ],
])("a connection that ends %s says that the console may still be at work", async (_, answer) => {
  const url = await startServer(answer);
  const failed = createConsoleClient(url, undefined).post("dead-letters/redrive", {});
  await expect(failed).rejects.toThrow(`connection to the console at ${url.origin} ended before its answer`);
  await expect(failed).rejects.toThrow("It may still be at work: `dossier dead list`");
});

test("the command's calls to this machine go to no proxy", async () => {
  const url = await startServer((response) => response.end('{"items":[],"nextCursor":null}'));
  const proxy = { NODE_USE_ENV_PROXY: "1", HTTP_PROXY: `http://127.0.0.1:${await freePort()}` };
  expect(await runDossier(["failing"], { CONSOLE_URL: url.href, ...proxy })).toEqual({
    code: 0,
    stdout: "no open delivery fails\n",
    stderr: "",
  });
});

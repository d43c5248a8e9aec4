import { createServer } from "node:net";
import type { Result } from "@dossier/service";

/**
 * Looks, before anything is started, whether the ports can be had.
 *
 * @param ports by the variable that sets each; 0 means any, which there always is
 */
export async function checkPorts(ports: Readonly<Record<string, number>>): Promise<Result<void>> {
  const looks = Object.entries(ports).map(async ([variable, port]) => {
    const fault = await faultOf(port);
    return fault === undefined ? [] : [`${variable} ${port} ${fault}: set ${variable} to another port.`];
  });
  const problems = (await Promise.all(looks)).flat();
  return problems.length === 0 ? { ok: true, value: undefined } : { ok: false, error: problems.join("\n") };
}

function faultOf(port: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const server = createServer();
  server.once("error", (error: NodeJS.ErrnoException) =>
    resolve(error.code === "EADDRINUSE" ? "is in use" : `cannot be had (${error.message})`),
  );
  server.listen(port, () => server.close(() => resolve(undefined)));
  return promise;
}

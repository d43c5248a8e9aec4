import { runCommandLine } from "./command-line.ts";
import { ignoreBrokenPipe } from "./terminal/stdout.ts";

ignoreBrokenPipe();
exceptLoopbackFromProxy();
await runCommandLine(process.argv.slice(2));

/** With NODE_USE_ENV_PROXY, Node would send even the calls to this machine, such as the trial's console, to the proxy. */
function exceptLoopbackFromProxy(): void {
  const { env } = process;
  const excepted = [env["no_proxy"] ?? env["NO_PROXY"] ?? "", "localhost", "127.0.0.1", "[::1]"].join();
  env["no_proxy"] = excepted;
  env["NO_PROXY"] = excepted;
}

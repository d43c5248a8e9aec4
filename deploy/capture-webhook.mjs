// Prints one webhook as it comes, headers and bytes, and ends:
//   node deploy/capture-webhook.mjs 8888
// docs/how-to/capture-webhooks.md says when, and how HTTPS gets to this port.
import { createServer } from "node:http";

const server = createServer(async (request, response) => {
  // A proxy's health check, without which it would send nothing.
  if (request.method === "GET") return response.end();
  const body = Buffer.concat(await Array.fromAsync(request));
  const head = [`${request.method} ${request.url}`];
  const { rawHeaders } = request;
  for (let i = 0; i < rawHeaders.length; i += 2) head.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  process.stdout.write(`${head.join("\n")}\n\n${body.toString()}\n`);
  // No 200: iComply never sends again what was answered so, and this keeps nothing.
  response.writeHead(503, { connection: "close" }).end();
  server.close();
});
server.listen(Number(process.argv[2]));

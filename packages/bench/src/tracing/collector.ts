// A collector that takes all spans and does nothing with them, in a process of its own. Its argument is the port.
import { createServer } from "node:http";

const server = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(200, { "content-type": "application/json" }).end("{}"));
});
server.listen(Number(process.argv[2]), "127.0.0.1");

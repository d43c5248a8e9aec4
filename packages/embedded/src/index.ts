export { startServer, type LocalServer, type ServerKind, type ServerOptions } from "./local-server.ts";
export { freePort } from "./port.ts";
export { startPostgres, type PostgresOptions } from "./postgres.ts";
export { guard } from "./process.ts";

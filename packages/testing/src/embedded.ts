/** What it takes to run Postgres from npm's registry, outside of tests too. */
export { embeddedPostgres, type EmbeddedPostgres } from "./servers/embedded.ts";
export { freePort } from "./servers/port.ts";
export { guard } from "./servers/process.ts";

export { embeddedPostgres, type EmbeddedPostgres } from "./embedded.ts";
export { startLocal, type Kind, type LocalOptions, type LocalServer } from "./local.ts";
export { freePort } from "./port.ts";
export { startPostgres } from "./postgres.ts";
export { childrenOf, gone, guard, launch, type Launch } from "./process.ts";

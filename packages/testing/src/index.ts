export type { Fault } from "./proxy/fault.ts";
export { startProxy, type Proxy } from "./proxy/proxy.ts";
export { freshDatabase, type Database, type Template } from "./servers/fresh-database.ts";
export { freshRedis } from "./servers/fresh-redis.ts";
export type { LocalOptions, LocalServer } from "./servers/local.ts";
export { needs } from "./servers/needs.ts";
export { startPostgres } from "./servers/postgres.ts";
export { startRedis } from "./servers/redis.ts";
export * from "./journeys/index.ts";

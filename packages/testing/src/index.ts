export type { LocalServer } from "@dossier/embedded";
export type { NetworkFault } from "./proxy/connection.ts";
export { startProxy, type Proxy } from "./proxy/proxy.ts";
export { openScope, type Scope } from "./scope.ts";
export { freshDatabase, type FreshDatabase, type Template } from "./servers/fresh-database.ts";
export { startPostgres, startRedis } from "./servers/local.ts";
export { freshRedis, needs } from "./servers/shared.ts";
export { waitFor } from "./wait-for.ts";

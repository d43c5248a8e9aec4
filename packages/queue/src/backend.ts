import {
  createRedisBackend,
  PostgresQueueBackend,
  type BackendFactory,
  type ConnectionOptions,
  type IQueueBackend,
  type PostgresConnection,
} from "bullmq";

/** BullMQ over one server or the other; it brings its own connection. */
export type Backend = BackendFactory<IQueueBackend, unknown>;

/** What BullMQ insists on being given beside a backend that has its connection. */
export const BROUGHT_BY_BACKEND = "the backend brings its own";

export function redisBackend(connection: ConnectionOptions): Backend {
  return (name, options, role) => createRedisBackend(name, { ...options, connection }, role);
}

/** @param listenerName shown as `application_name` of the connection that waits for jobs, if it is to have one */
export function postgresBackend(connection: PostgresConnection, listenerName?: string): Backend {
  return (name, options) =>
    new PostgresQueueBackend(
      connection,
      name,
      { ...options, connection: connection.pool },
      true,
      listenerName,
    );
}

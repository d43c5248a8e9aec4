import type { Metrics } from "./metrics.ts";

/** What a pool of connections says of itself, as pg's does. */
export interface PoolCounts {
  readonly totalCount: number;
  readonly idleCount: number;
  /** Statements that wait for a connection. */
  readonly waitingCount: number;
}

/**
 * Observes a service's pool of connections to the record. If many wait, statements are slow, or a connection is held.
 * The label `service` tells pools of one process apart.
 */
export function observePool({ meter }: Metrics, service: string, pool: PoolCounts): void {
  meter
    .createObservableGauge("dossier_pool_connections", {
      description: "Connections to Postgres that are used or idle, and statements that wait for one.",
    })
    .addCallback((gauge) => {
      gauge.observe(pool.totalCount - pool.idleCount, { service, state: "used" });
      gauge.observe(pool.idleCount, { service, state: "idle" });
      gauge.observe(pool.waitingCount, { service, state: "waiting" });
    });
}

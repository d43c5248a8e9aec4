import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Meter } from "@opentelemetry/api";
import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import type { Logger } from "./logger.ts";
import { version } from "./version.ts";

export interface Metrics {
  /** Creates the service's instruments. Names follow Prometheus: `dossier_deliveries_total`. */
  readonly meter: Meter;
  /**
   * Returns the current value of every metric in Prometheus's text format. An observed value that fails or takes
   * longer than two seconds is logged and left out.
   */
  text(): Promise<string>;
}

const COLLECT_TIMEOUT_MS = 2_000;

/** Creates a service's metrics, which include those of its process. Starts no server. */
export function createMetrics(service: string, log: Logger): Metrics {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const meter = new MeterProvider({ readers: [reader] }).getMeter(service, version);
  observeProcess(meter, service);
  const serializer = new PrometheusSerializer("", false, undefined, true, true);
  return {
    meter,
    async text() {
      const { resourceMetrics, errors } = await reader.collect({
        timeoutMillis: COLLECT_TIMEOUT_MS,
      });
      for (const err of errors) log.warn({ code: "metric-not-observed", err }, "metric not observed");
      return serializer.serialize(resourceMetrics);
    },
  };
}

function observeProcess(meter: Meter, service: string): void {
  meter
    .createObservableGauge("dossier_build_info", { description: "Always 1; its labels say which code runs." })
    .addCallback((gauge) => gauge.observe(1, { service, version, node: process.versions.node }));
  meter
    .createObservableGauge("process_uptime_seconds", { description: "Time since the process started." })
    .addCallback((gauge) => gauge.observe(process.uptime()));
  const residentSet = meter.createObservableGauge("process_resident_memory_bytes", {
    description: "Resident memory of the process.",
  });
  const heap = meter.createObservableGauge("nodejs_heap_size_used_bytes", {
    description: "Used memory of the JavaScript heap.",
  });
  meter.addBatchObservableCallback(
    (result) => {
      const { rss, heapUsed } = process.memoryUsage();
      result.observe(residentSet, rss);
      result.observe(heap, heapUsed);
    },
    [residentSet, heap],
  );
  meter
    .createObservableCounter("process_cpu_seconds_total", { description: "User and system CPU time." })
    .addCallback((counter) => {
      const { user, system } = process.cpuUsage();
      counter.observe((user + system) / 1e6);
    });
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  meter
    .createObservableGauge("nodejs_eventloop_lag_p99_seconds", {
      description: "99th percentile of the event loop's delay since the last scrape.",
    })
    .addCallback((gauge) => {
      gauge.observe(delay.percentile(99) / 1e9);
      delay.reset();
    });
}

import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Meter } from "@opentelemetry/api";
import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import type { Logger } from "./logger.ts";
import { version } from "./version.ts";

export interface Metrics {
  /** Makes the service's instruments. Names are Prometheus's: `dossier_deliveries_total`. */
  readonly meter: Meter;
  /**
   * All metrics as they are now, in Prometheus's text format. An observed value that cannot be had
   * within two seconds is left out and logged, and the others are given.
   */
  text(): Promise<string>;
}

const COLLECT_WITHIN_MS = 2_000;

/** Makes a service's metrics, with those of its process among them. Starts no server. */
export function createMetrics(service: string, log: Logger): Metrics {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const meter = new MeterProvider({ readers: [reader] }).getMeter(service, version);
  observeProcess(meter, service);
  const serializer = new PrometheusSerializer("", false, undefined, true, true);
  return {
    meter,
    async text() {
      const { resourceMetrics, errors } = await reader.collect({
        timeoutMillis: COLLECT_WITHIN_MS,
      });
      for (const err of errors) log.warn({ err }, "a metric could not be observed");
      return serializer.serialize(resourceMetrics);
    },
  };
}

function observeProcess(meter: Meter, service: string): void {
  meter
    .createObservableGauge("dossier_build_info", { description: "Always 1: which code this is." })
    .addCallback((gauge) => gauge.observe(1, { service, version, node: process.versions.node }));
  meter
    .createObservableGauge("process_uptime_seconds", { description: "Since the process began." })
    .addCallback((gauge) => gauge.observe(process.uptime()));
  const residentSet = meter.createObservableGauge("process_resident_memory_bytes", {
    description: "Memory of the process that is in RAM.",
  });
  const heap = meter.createObservableGauge("nodejs_heap_size_used_bytes", {
    description: "Memory that JavaScript's objects take.",
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
    .createObservableCounter("process_cpu_seconds_total", { description: "CPU time used." })
    .addCallback((counter) => {
      const { user, system } = process.cpuUsage();
      counter.observe((user + system) / 1e6);
    });
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  meter
    .createObservableGauge("nodejs_eventloop_lag_p99_seconds", {
      description: "How late the event loop was since the last scrape, 99th percentile.",
    })
    .addCallback((gauge) => {
      gauge.observe(delay.percentile(99) / 1e9);
      delay.reset();
    });
}

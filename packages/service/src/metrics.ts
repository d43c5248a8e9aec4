import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Meter } from "@opentelemetry/api";
import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { describeError } from "./error.ts";
import { version } from "./version.ts";

export interface Metrics {
  /** Creates the service's instruments. Names follow Prometheus: `dossier_deliveries_total`. */
  readonly meter: Meter;
  /**
   * Returns the current value of every metric in Prometheus's text format. Those who ask while values are collected
   * share them, so that many scrapes cost no more than one. A value that fails, or takes longer than two seconds, is
   * left out; the text says why, and counts it. Nothing is logged.
   */
  text(): Promise<string>;
}

const COLLECT_TIMEOUT_MS = 2_000;

/** Creates a process's metrics. Starts no server. */
export function createMetrics(service: string): Metrics {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const meter = new MeterProvider({ readers: [reader] }).getMeter(service, version);
  observeProcess(meter, service);
  const serializer = new PrometheusSerializer("", false, undefined, true, true);
  let running: Promise<string> | undefined;

  async function collect(): Promise<string> {
    const { resourceMetrics, errors } = await reader.collect({ timeoutMillis: COLLECT_TIMEOUT_MS });
    return serializer.serialize(resourceMetrics) + failures(errors);
  }

  return { meter, text: () => (running ??= collect().finally(() => (running = undefined))) };
}

/** Returns how many values could not be observed, and why as comments, which Prometheus ignores. */
function failures(errors: readonly unknown[]): string {
  const reasons = errors.map(
    (error) => `# not observed: ${describeError(error).message.replace(/\s+/g, " ")}\n`,
  );
  return `# HELP dossier_metrics_not_observed Metrics that could not be observed in this scrape.
# TYPE dossier_metrics_not_observed gauge
${reasons.join("")}dossier_metrics_not_observed ${errors.length}
`;
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

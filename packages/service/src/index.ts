export { backoff, retrySchedule, type BackoffLimits, type Retry } from "./backoff.ts";
export { checkDatabase, loginLog } from "./check-database.ts";
export { readConfig, readServiceConfig, type DatabaseConfig } from "./config.ts";
export { describeError, describeUnexpected, type ErrorDescription } from "./error.ts";
export { createEvictionCheck } from "./eviction.ts";
export { createLogger, type Logger } from "./logger.ts";
export type { Metrics } from "./metrics.ts";
export {
  createInstanceReporter,
  type InstanceReport,
  type InstanceReporter,
  type InstanceState,
} from "./instance-reporter.ts";
export { minuteLog, type MinuteLog } from "./minute-log.ts";
export { countBy, type Counter } from "./minute-counts.ts";
export { groupCommit, BufferFullError, type GroupCommit, type GroupCommitOptions } from "./group-commit.ts";
export { outageLog, type OutageLines, type OutageLog } from "./outage-log.ts";
export { serveOps, type Ops } from "./ops.ts";
export { type Check, type Checks } from "./probes.ts";
export { observePool } from "./pool-metrics.ts";
export { answerOptions, notFound, onError, problem } from "./problem.ts";
export { orExit, runUntilSignal, type Result, type ShutdownSteps } from "./run.ts";
export { loadTracing, runService, type ProcessConfig, type ServiceContext } from "./run-service.ts";
export { type ConnectionLimits, type Server, serve } from "./serve.ts";
export { describeSettings } from "./settings.ts";
export { summedLog, type SummedLine, type SummedLog } from "./summed-log.ts";
export { traceRequests, type TraceVariables } from "./trace-requests.ts";
export type { Batch, Tracing } from "./tracing.ts";
export * as variables from "./variables.ts";
export { version } from "./version.ts";

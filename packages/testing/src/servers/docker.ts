import { guard } from "@dossier/embedded";
import type { StartedTestContainer } from "testcontainers";
import { PASSWORD } from "./local.ts";

export interface Container {
  url: string;
  stop(): Promise<void>;
}

/** Rejects where there is no Docker engine, or neither the image nor a way to pull it. */
export async function redisContainer(): Promise<Container> {
  const { RedisContainer } = await import("@testcontainers/redis");
  const container = await started(() => new RedisContainer("redis:8").start());
  return { url: container.getConnectionUrl(), stop: shutdownSignal(container) };
}

export async function postgresContainer(settings: Readonly<Record<string, string>>): Promise<Container> {
  const { PostgreSqlContainer } = await import("@testcontainers/postgresql");
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const container = await started(() =>
    new PostgreSqlContainer("postgres:18")
      .withUsername("postgres")
      .withPassword(PASSWORD)
      .withCommand(["postgres", ...flags])
      .start(),
  );
  return { url: container.getConnectionUri(), stop: shutdownSignal(container) };
}

/**
 * Testcontainers starts a helper container, which removes the others should this process be killed.
 * Where the helper cannot be had we do without it: `guard` does the same through the docker command.
 */
async function started<T>(start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch {
    process.env.TESTCONTAINERS_RYUK_DISABLED = "true";
    return start();
  }
}

function shutdownSignal(container: StartedTestContainer): () => Promise<void> {
  const dismiss = guard("docker rm --force --volumes $1", container.getId());
  return async () => {
    await container.stop();
    dismiss();
  };
}

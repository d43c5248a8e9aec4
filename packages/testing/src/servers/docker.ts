import { guard } from "@dossier/embedded";
import type { StartedTestContainer } from "testcontainers";
import { PASSWORD } from "./local.ts";

export interface Container {
  url: string;
  stop(): Promise<void>;
}

/** Rejects if there is no Docker engine, or neither the image nor a way to pull it. */
export async function redisContainer(): Promise<Container> {
  const { RedisContainer } = await import("@testcontainers/redis");
  const container = await start(() => new RedisContainer("redis:8").start());
  return { url: container.getConnectionUrl(), stop: () => stop(container) };
}

/** Starts a Postgres with the superuser and the password that local servers have, too. Rejects as `redisContainer`. */
export async function postgresContainer(settings: Readonly<Record<string, string>>): Promise<Container> {
  const { PostgreSqlContainer } = await import("@testcontainers/postgresql");
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const container = await start(() =>
    new PostgreSqlContainer("postgres:18")
      .withUsername("postgres")
      .withPassword(PASSWORD)
      // Whatever the image's locale is.
      .withEnvironment({ POSTGRES_INITDB_ARGS: "--encoding=UTF8" })
      .withCommand(["postgres", ...flags])
      .start(),
  );
  return { url: container.getConnectionUri(), stop: () => stop(container) };
}

const guards = new Map<string, () => void>();

/**
 * Testcontainers starts a helper container, which removes the others if this process is killed. If the helper's image
 * cannot be pulled, the container is started without it: `guard` does the same with the docker command.
 */
async function start<T extends StartedTestContainer>(startContainer: () => Promise<T>): Promise<T> {
  const container = await startContainer().catch(() => {
    process.env.TESTCONTAINERS_RYUK_DISABLED = "true";
    return startContainer();
  });
  guards.set(container.getId(), guard("docker rm --force --volumes $1", container.getId()));
  return container;
}

async function stop(container: StartedTestContainer): Promise<void> {
  await container.stop();
  guards.get(container.getId())?.();
}

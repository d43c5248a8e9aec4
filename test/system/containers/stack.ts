import { execFile, type ExecFileOptions } from "node:child_process";
import { promisify } from "node:util";
import { guard } from "@dossier/embedded";

export type Settings = Readonly<Record<string, string>>;

/** The part of what `docker inspect` prints that the tests use. */
export interface Container {
  readonly Id: string;
  readonly State: { readonly Running: boolean; readonly ExitCode: number };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[] | null>>;
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>>;
  };
}

/** What a program printed, and its exit code. */
export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The repository's Compose files as a project of their own, beside whatever else is running on this machine. */
export class Stack implements AsyncDisposable {
  /** Environment of everything that is run. Nothing of the caller's own configuration is added. */
  settings: Settings;
  readonly #project: string;
  readonly #files: readonly string[];
  readonly #dismiss: () => void;

  constructor(project: string, settings: Settings, files: readonly string[] = ["docker-compose.yml"]) {
    this.#project = project;
    this.settings = settings;
    this.#files = files;
    // In case this process is killed.
    this.#dismiss = guard(
      "docker compose --project-name $1 down --volumes --remove-orphans --timeout 0; docker rmi $1:test",
      project,
    );
  }

  /** Starts what is not running as configured. Resolves once all services are healthy. */
  async up(...options: readonly string[]): Promise<void> {
    await this.#compose("up", "--wait", ...options);
  }

  /** Returns the Compose files as one, with all settings in their places. */
  async config(): Promise<unknown> {
    return JSON.parse(await this.#compose("config", "--format", "json"));
  }

  async stop(): Promise<void> {
    await this.#compose("stop");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#compose("down", "--volumes", "--remove-orphans", "--timeout", "0");
    // There is no image if the build failed.
    await this.#run("docker", ["rmi", `${this.#project}:test`]);
    this.#dismiss();
  }

  /** Returns what the containers of these services have logged; of all services if none is named. */
  async logs(...services: readonly string[]): Promise<string> {
    return this.#compose("logs", "--no-color", "--no-log-prefix", ...services);
  }

  /** Returns the containers of these services, stopped ones too; of all services if none is named. */
  async containers(...services: readonly string[]): Promise<readonly Container[]> {
    const ids = (await this.#compose("ps", "--all", "--quiet", ...services)).trim().split("\n");
    return JSON.parse(await this.#succeed("docker", ["inspect", ...ids])) as Container[];
  }

  /** Returns what a command in a container prints, each byte as one character. */
  async exec({ Id }: Container, ...command: readonly string[]): Promise<string> {
    return this.#succeed("docker", ["exec", Id, ...command], { encoding: "latin1" });
  }

  async kill({ Id }: Container): Promise<void> {
    await this.#succeed("docker", ["kill", Id]);
  }

  /** Runs the `dossier` command outside of the containers. */
  async dossier(...args: readonly string[]): Promise<Result> {
    return this.#run(process.execPath, ["packages/cli/src/main.ts", ...args]);
  }

  async #compose(...args: readonly string[]): Promise<string> {
    // Without the developer's own .env.
    const files = this.#files.flatMap((file) => ["--file", file]);
    const options = ["--env-file", "/dev/null", "--project-name", this.#project, ...files];
    return this.#succeed("docker", ["compose", ...options, ...args]);
  }

  async #succeed(file: string, args: readonly string[], options: ExecFileOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.#run(file, args, options);
    if (code === 0) return stdout;
    throw new Error(`${file} ${args.join(" ")} exited with ${code}:\n${stderr.slice(-10_000)}`);
  }

  async #run(file: string, args: readonly string[], options: ExecFileOptions = {}): Promise<Result> {
    const env = { ...inheritedSettings(), DOSSIER_VERSION: "test", ...this.settings };
    const running = promisify(execFile)(file, args, {
      encoding: "utf8",
      ...options,
      env,
      maxBuffer: 2 ** 30,
    });
    const output = await running.catch((error: unknown) => {
      if (error instanceof Error && "stdout" in error) return error as Error & Result;
      throw error;
    });
    return {
      code: running.child.exitCode ?? 1,
      stdout: String(output.stdout),
      stderr: String(output.stderr),
    };
  }
}

function inheritedSettings(): Settings {
  const inherited = Object.entries(process.env).filter(([name]) => /^(PATH|HOME|DOCKER_.*)$/.test(name));
  return Object.fromEntries(inherited.map(([name, value = ""]) => [name, value]));
}

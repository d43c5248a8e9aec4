import { execFile, type ExecFileOptions } from "node:child_process";
import { promisify } from "node:util";
import { guard } from "../../packages/embedded/src/process.ts";

export type Settings = Readonly<Record<string, string>>;

/** What `docker inspect` says of a container, as far as it is asked for here. */
export interface Container {
  readonly Id: string;
  readonly State: { readonly Running: boolean; readonly ExitCode: number };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[] | null>>;
  };
}

/** How a program ended, whatever its exit code. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The repository's Compose file as a project of its own, beside whatever else runs on this machine. */
export class Stack implements AsyncDisposable {
  /** Set for everything that is run, on top of what any program needs: nothing of the caller's own configuration. */
  settings: Settings;
  readonly #project: string;
  readonly #dismiss: () => void;

  constructor(project: string, settings: Settings) {
    this.#project = project;
    this.settings = settings;
    // For a run that is killed.
    this.#dismiss = guard(
      "docker compose --project-name $1 down --volumes --remove-orphans --timeout 0; docker rmi $1",
      project,
    );
  }

  /** Starts what does not run as it should, and resolves once all is healthy. */
  async up(...options: readonly string[]): Promise<void> {
    await this.#compose("up", "--wait", ...options);
  }

  async stop(): Promise<void> {
    await this.#compose("stop");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#compose("down", "--volumes", "--remove-orphans", "--timeout", "0");
    // Where the build failed there is none.
    await this.#run("docker", ["rmi", this.#project]);
    this.#dismiss();
  }

  /** All that a service's containers have written; of all services where none is named. */
  async logs(...services: readonly string[]): Promise<string> {
    return this.#compose("logs", "--no-color", "--no-log-prefix", ...services);
  }

  /** A service's containers, stopped ones too; of all services where none is named. */
  async containers(...services: readonly string[]): Promise<readonly Container[]> {
    const ids = (await this.#compose("ps", "--all", "--quiet", ...services)).trim().split("\n");
    return JSON.parse(await this.#succeed("docker", ["inspect", ...ids])) as Container[];
  }

  /** What a command in a container prints, each byte as one character. */
  async exec({ Id }: Container, ...command: readonly string[]): Promise<string> {
    return this.#succeed("docker", ["exec", Id, ...command], { encoding: "latin1" });
  }

  async kill({ Id }: Container): Promise<void> {
    await this.#succeed("docker", ["kill", Id]);
  }

  /** Runs the `dossier` command on this machine, outside of the containers. */
  async dossier(...args: readonly string[]): Promise<Ended> {
    return this.#run(process.execPath, ["packages/cli/src/main.ts", ...args]);
  }

  async #compose(...args: readonly string[]): Promise<string> {
    // A developer's own .env is none of ours.
    const ours = ["compose", "--env-file", "/dev/null", "--project-name", this.#project];
    return this.#succeed("docker", [...ours, ...args]);
  }

  async #succeed(file: string, args: readonly string[], options: ExecFileOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.#run(file, args, options);
    if (code === 0) return stdout;
    throw new Error(`${file} ${args.join(" ")} ended with ${code}:\n${stderr.slice(-10_000)}`);
  }

  async #run(file: string, args: readonly string[], options: ExecFileOptions = {}): Promise<Ended> {
    const env = { ...surroundings(), ...this.settings };
    const running = promisify(execFile)(file, args, {
      encoding: "utf8",
      ...options,
      env,
      maxBuffer: 2 ** 30,
    });
    const output = await running.catch((error: unknown) => {
      if (error instanceof Error && "stdout" in error) return error as Error & Ended;
      throw error;
    });
    return {
      code: running.child.exitCode ?? 1,
      stdout: String(output.stdout),
      stderr: String(output.stderr),
    };
  }
}

function surroundings(): Settings {
  const known = Object.entries(process.env).filter(([name]) => /^(PATH|HOME|DOCKER_.*)$/.test(name));
  return Object.fromEntries(known.map(([name, value = ""]) => [name, value]));
}

/** deploy/kubernetes against the API's schemas, against itself and against the code. No cluster and no kustomize are needed. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";

const ROOT = join(import.meta.dirname, "../../..");
const KUBERNETES = join(ROOT, "deploy/kubernetes");
const SERVICES = ["ingest", "worker", "console"];

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: never;
}
interface Kustomization {
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly patches?: readonly {
    readonly target: { readonly kind: string; readonly name: string };
    readonly patch: string;
  }[];
}

/** Returns the resources of a kustomization, without its patches. */
function build(folder: string): readonly Resource[] {
  const { resources = [], components = [] } = parse(
    readFileSync(join(folder, "kustomization.yaml"), "utf8"),
  ) as Kustomization;
  return [...resources, ...components].flatMap((name) => {
    const path = join(folder, name);
    if (existsSync(join(path, "kustomization.yaml"))) return build(path);
    return parseAllDocuments(readFileSync(path, "utf8")).map((document) => document.toJS() as Resource);
  });
}

const resources = build(join(KUBERNETES, "overlays/example"));

/** Returns the paths of the fields that were not looked at: a validator reads each one that its schema has. */
function watch(value: Json, path: string, unread: Set<string>): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value))
    return value.map((item, index) => watch(item as Json, `${path}/${index}`, unread));
  const fields = Object.entries(value).map(
    ([key, field]) => [key, watch(field, `${path}/${key}`, unread)] as const,
  );
  for (const [key] of fields) unread.add(`${path}/${key}`);
  return new Proxy(Object.fromEntries(fields), {
    get(target, key) {
      unread.delete(`${path}/${String(key)}`);
      return Reflect.get(target, key) as unknown;
    },
  });
}

interface Model {
  /** Throws if `this` is invalid. */
  readonly prototype: { readonly validate: (this: object) => void };
}

/** One by one: to load all kinds takes seconds. */
const MODELS: Readonly<Record<string, () => Promise<unknown>>> = {
  "v1/Namespace": () => import("kubernetes-models/v1/Namespace"),
  "v1/Service": () => import("kubernetes-models/v1/Service"),
  "v1/ServiceAccount": () => import("kubernetes-models/v1/ServiceAccount"),
  "apps/v1/Deployment": () => import("kubernetes-models/apps/v1/Deployment"),
  "batch/v1/Job": () => import("kubernetes-models/batch/v1/Job"),
  "batch/v1/CronJob": () => import("kubernetes-models/batch/v1/CronJob"),
  "networking.k8s.io/v1/Ingress": () => import("kubernetes-models/networking.k8s.io/v1/Ingress"),
  "networking.k8s.io/v1/NetworkPolicy": () => import("kubernetes-models/networking.k8s.io/v1/NetworkPolicy"),
  "policy/v1/PodDisruptionBudget": () => import("kubernetes-models/policy/v1/PodDisruptionBudget"),
  "keda.sh/v1alpha1/ScaledObject": () => import("@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject"),
  "keda.sh/v1alpha1/TriggerAuthentication": () =>
    import("@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication"),
  "monitoring.coreos.com/v1/PodMonitor": () =>
    import("@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor"),
  "monitoring.coreos.com/v1/PrometheusRule": () =>
    import("@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule"),
};

async function modelOf({ apiVersion, kind }: Resource): Promise<Model> {
  const models = (await MODELS[`${apiVersion}/${kind}`]?.()) as Readonly<Record<string, Model>> | undefined;
  const model = models?.[kind];
  if (model === undefined) throw new Error(`no schema of ${apiVersion} ${kind} is known`);
  return model;
}

describe("a resource is valid and has no unknown field:", () => {
  test.each(resources.map((resource) => [`${resource.kind} ${resource.metadata.name}`, resource] as const))(
    "%s",
    async (_, resource) => {
      const Resource = await modelOf(resource);
      const unread = new Set<string>();
      const watched = watch(resource as unknown as Json, "", unread) as object;
      Resource.prototype.validate.call(watched);
      expect([...unread].filter((path) => !/^\/(apiVersion|kind)$/.test(path))).toEqual([]);
    },
  );
});

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts: readonly { readonly mountPath: string }[];
  readonly securityContext: object;
  readonly [setting: string]: unknown;
}
interface Workload {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly pod: { readonly containers: readonly [Container]; readonly securityContext: object };
}
interface WorkloadSpec {
  readonly template: {
    readonly metadata: { readonly labels: Workload["labels"] };
    readonly spec: Workload["pod"];
  };
}

const scheduled = ofKind<{ jobTemplate: { spec: WorkloadSpec } }>("CronJob").map(({ metadata, spec }) => ({
  metadata,
  spec: spec.jobTemplate.spec,
}));
const workloads = [...ofKind<WorkloadSpec>("Deployment", "Job"), ...scheduled].map(
  ({ metadata: { name }, spec: { template } }): Workload => ({
    name,
    labels: template.metadata.labels,
    pod: template.spec,
  }),
);

function ofKind<Spec>(...kinds: readonly string[]): readonly { metadata: { name: string }; spec: Spec }[] {
  return resources.filter(({ kind }) => kinds.includes(kind));
}

/** Returns the names of the variables that a service's code reads. */
function readConfigOf(service: string) {
  const name = SERVICES.includes(service) ? service : "cli";
  return readFileSync(join(ROOT, "packages", name, "src/config.ts"), "utf8");
}

test.each(workloads)("$name has variables, ports and files that its code has", ({ name, pod }) => {
  const { args, env, ports = [], volumeMounts, ...container } = pod.containers[0];
  expect(existsSync(join(ROOT, args[0] ?? ""))).toBe(true);
  const config = readConfigOf(name);
  const unknown = env.filter((variable) => !config.includes(` ${variable.name.replace(/_FILE$/, "")}:`));
  expect(unknown).toEqual([]);
  const files = env.filter((variable) => variable.name.endsWith("_FILE")).map(({ value }) => value);
  expect(files.filter((path) => !path.startsWith(`${volumeMounts[0]?.mountPath}/`))).toEqual([]);
  if (!SERVICES.includes(name)) return;
  const valueOf = (variable: string) => Number(env.find((one) => one.name === variable)?.value);
  for (const { name: port, containerPort } of ports) {
    const variable = port === "ops" ? "OPS_PORT" : "PORT";
    expect([port, valueOf(variable)]).toEqual([port, containerPort]);
    expect(config).toMatch(new RegExp(`\\b${variable}: variables\\.\\w+\\(${containerPort}\\)`));
  }
  const names = ports.map(({ name: port }) => port);
  for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
    const { httpGet } = container[probe] as { httpGet: { port: string; path: string } };
    expect(names).toContain(httpGet.port);
    expect(["/healthz", "/readyz"]).toContain(httpGet.path);
  }
});

test.each(workloads)("$name runs without rights, on a read-only file system", ({ pod }) => {
  expect(pod.securityContext).toMatchObject({
    runAsNonRoot: true,
    seccompProfile: { type: "RuntimeDefault" },
  });
  expect(pod.containers[0].securityContext).toEqual({
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
  });
  expect(pod.containers[0]).toMatchObject({ resources: { requests: {}, limits: {} } });
});

test("each selector and each reference leads to something", () => {
  const names = workloads.map(({ name }) => name);
  const labelled = workloads.map(({ labels }) => labels["app.kubernetes.io/name"]);
  expect(labelled).toEqual(names);
  const used = JSON.stringify(resources).matchAll(
    /"app\.kubernetes\.io\/name":"(\w+)"|"values":\[([^\]]+)\]/g,
  );
  const selected = [...used].flatMap(([, name, list = ""]) => name ?? list.replaceAll('"', "").split(","));
  expect(selected.filter((name) => !names.includes(name))).toEqual([]);
  const targets = ofKind<{ scaleTargetRef: { name: string } }>("ScaledObject").map(
    ({ spec }) => spec.scaleTargetRef.name,
  );
  expect(targets).toEqual(["worker"]);
  const services = ofKind("Service").map(({ metadata }) => metadata.name);
  const backends = [...JSON.stringify(ofKind("Ingress")).matchAll(/"service":\{"name":"(\w+)"/g)];
  expect(backends.map(([, name]) => name)).toEqual(services);
  expect(ofKind("PodDisruptionBudget").map(({ metadata }) => metadata.name)).toEqual(SERVICES);
});

test("the Prometheus operator gets the alerts of deploy/prometheus/rules.yml", () => {
  const rules = parse(readFileSync(join(ROOT, "deploy/prometheus/rules.yml"), "utf8")) as object;
  expect(ofKind("PrometheusRule").map(({ spec }) => spec)).toEqual([rules]);
});

test("each patch of the example changes something that is there", () => {
  const { patches = [] } = parse(
    readFileSync(join(KUBERNETES, "overlays/example/kustomization.yaml"), "utf8"),
  ) as Kustomization;
  expect(patches.length).toBeGreaterThan(0);
  for (const { target, patch } of patches) {
    const found = resources.find(
      ({ kind, metadata }) => kind === target.kind && metadata.name === target.name,
    );
    for (const { op, path } of parse(patch) as { op: string; path: string }[]) {
      const keys = path.split("/").slice(1, op === "add" ? -1 : undefined);
      const place = keys.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], found);
      expect([path, typeof place]).toEqual([path, "object"]);
    }
  }
});

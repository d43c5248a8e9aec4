# One image for every service: each is a command of it, such as `packages/ingest/src/main.ts`.
# There is no build step: Node runs the TypeScript as it is.

# Only the manifests: while they and the lockfile stay the same, the installed packages come from the cache.
FROM node:24-trixie-slim AS manifests
WORKDIR /app
COPY . .
RUN find packages -type f ! -path "packages/*/package.json" -delete

# `pnpm deploy` would put the packages under node_modules, where Node strips no types.
# `--os=none` skips native packages: the embedded Postgres, which only `dossier up` starts, and an accelerator with a
# fallback in JavaScript.
FROM node:24-trixie-slim AS installed
# The hash that bootstrap.mjs has, in hexadecimal. What is optional is left out, as nothing checks it: pnpm runs in Node.
RUN npm pack --silent pnpm@12.21.0 && \
    echo "66fd8278ee28935ce951792d34367ff3af5c432a2756445823029533835b8da529bbe0be5130afd56ed0713fb8789e47bad82d93bd5ae2fe54b15562d6276ef0  pnpm-12.21.0.tgz" | sha512sum --check && \
    npm install --global --ignore-scripts --omit=optional ./pnpm-12.21.0.tgz
WORKDIR /app
COPY --from=manifests /app .
RUN pnpm install --prod --os=none --frozen-lockfile --filter "@dossier/cli..."

FROM node:24-trixie-slim
LABEL org.opencontainers.image.title="dossier" \
      org.opencontainers.image.description="Every person's KYC file, built from iComply's webhooks: none lost, none counted twice, every change explained." \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
# Calls to this container itself, such as health checks, go to no proxy.
ENV NO_PROXY=127.0.0.1,localhost
WORKDIR /app
COPY --from=installed /app .
COPY packages packages
# As in `docker compose exec console dossier dead list`, in any folder. It asks the console of its own container, and not
# the address outside, which may not be reached from here.
RUN printf '#!/bin/sh\nCONSOLE_URL= exec node /app/packages/cli/src/main.ts "$@"\n' > /usr/local/bin/dossier && \
    chmod 755 /usr/local/bin/dossier
# Root owns the code: a service cannot change what it runs.
USER node
ENTRYPOINT ["node"]
CMD ["packages/cli/src/main.ts", "--help"]

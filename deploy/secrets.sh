#!/usr/bin/env bash
# Makes the secrets of compose.production.yaml, each a file of the folder that is named, and keeps those that are there:
#   bash deploy/secrets.sh /etc/dossier
# The webhook secret is shown by iComply, and read from stdin:
#   bash deploy/secrets.sh /etc/dossier < webhook-secret.txt
# The files can be read by whoever may enter the folder: its owner, and containers, which get single files.
set -euo pipefail
umask 022
dir=${1:?usage: bash deploy/secrets.sh FOLDER}
mkdir -p "$dir"
chmod 700 "$dir"

# Writes stdin to a file, unless it is there already. Reads stdin to its end, as its writer would fail otherwise.
keep() {
  if [ -e "$dir/$1" ]; then cat > /dev/null; return; fi
  cat > "$dir/$1.new"
  chmod 444 "$dir/$1.new"
  mv "$dir/$1.new" "$dir/$1"
  echo "made $dir/$1"
}

password() { head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

url() { echo "postgres://$1:$2@postgres:5432/dossier"; }

if [ ! -e "$dir/webhook_secrets" ]; then
  if [ -t 0 ]; then echo "the webhook secret that iComply shows:" >&2; fi
  read -r secret || true
  [ "${#secret}" -ge 16 ] || { echo "the webhook secret must have 16 characters or more" >&2; exit 1; }
  echo "$secret" | keep webhook_secrets
fi
password | keep owner_password
url postgres "$(cat "$dir/owner_password")" | keep owner_database_url
for service in ingest worker console; do url "$service" "$(password)" | keep "${service}_database_url"; done
password | keep redis_password
echo "redis://dossier:$(cat "$dir/redis_password")@redis:6379" | keep redis_url
password | keep api_token

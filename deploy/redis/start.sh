#!/bin/sh
# Starts Redis with the users of users.acl, beside this file. REDIS_PASSWORD_FILE names the file with the password. The
# arguments are redis-server's.
set -eu
here=$(dirname "$0")
password=$(cat "${REDIS_PASSWORD_FILE:?is not set: it names the file with the password of the user dossier}")
[ -n "$password" ] || { echo "$REDIS_PASSWORD_FILE is empty: write the password of the user dossier into it" >&2; exit 1; }
digest=$(printf %s "$password" | sha256sum | cut -d ' ' -f 1)
users=${REDIS_ACL_FILE:-/tmp/users.acl}
sed -e '/^#/d' -e "s/PASSWORD_SHA256/$digest/" "$here/users.acl" | sed -e ':join' -e 'N' -e '$!bjoin' -e 's/\n  */ /g' > "$users"
exec redis-server --aclfile "$users" "$@"

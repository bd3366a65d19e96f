#!/bin/sh
# Unpack npm packages beside the system, with what they need: servers that the tests speak to.
#
#   tools/extract_npm.sh NAME@VERSION...      e.g. azurite@3.35.0
#
# Nothing is installed for the system, no root is needed, no package's own scripts run. Everything lands in $MOVER_SERVERS/node
# (default: .servers/node in the repository, which git does not see), one folder a package: NAME/node_modules. A version that is there
# is not fetched again. Give exact versions: a range would make runs differ.
set -eu

# npm trusts its own list of authorities only; on Debian the machine's list may hold more.
authorities=/etc/ssl/certs/ca-certificates.crt
if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -r "$authorities" ]; then export NODE_EXTRA_CA_CERTS=$authorities; fi

[ $# -gt 0 ] || { echo "usage: $0 NAME@VERSION..." >&2; exit 2; }
for tool in node npm; do
    command -v "$tool" >/dev/null || { echo "$0: $tool is missing: install Node.js 20 or newer (Debian: nodejs npm)" >&2; exit 1; }
done

repository=$(cd "$(dirname "$0")/.." && pwd)
servers=${MOVER_SERVERS:-$repository/.servers}
mkdir -p "$servers/node"
echo '*' >"$servers/.gitignore"

unpack() {
    name=${1%@*} version=${1##*@}
    case $name in "" | *[!a-z0-9._@/-]* | */../*) echo "$0: $1 is no package" >&2; exit 2 ;; esac
    case $version in [0-9]*.[0-9]*.[0-9]*) ;; *) echo "$0: give an exact version, as in azurite@3.35.0, not $1" >&2; exit 2 ;; esac
    target=$servers/node/$(printf %s "$name" | tr / +)
    [ "$(cat "$target/.version" 2>/dev/null)" = "$version" ] && return
    fresh=$(mktemp -d "$servers/node/.fresh-XXXXXX")
    trap 'rm -rf "$fresh"' EXIT
    echo '{"private": true}' >"$fresh/package.json"
    (cd "$fresh" && npm install --silent --no-audit --no-fund --no-progress --ignore-scripts --omit=dev --save-exact "$name@$version")
    printf %s "$version" >"$fresh/.version"
    rm -rf "$target"
    mv "$fresh" "$target"
    trap - EXIT
    echo "unpacked $name $version"
}

for package in "$@"; do unpack "$package"; done

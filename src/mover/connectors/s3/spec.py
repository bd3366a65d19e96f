"""What the S3 connector says of itself."""

from mover.connectors._kit.options import ca_file, consent, plain_http
from mover.core.spec import Cap, Channel, Limits, Option, Rclone, Spec, Url

SPEC = Spec(
    key="s3",
    title="S3",
    summary="Objects in Amazon S3 and in any store that speaks its language: Ceph, MinIO, Wasabi, R2 and others.",
    channel=Channel.TLS,
    hosts=("{endpoint}", "*.{endpoint}"),
    caps=Cap.RANGED_READ
    | Cap.RENAME
    | Cap.COPY_INSIDE
    | Cap.KEEPS_MODIFIED
    | Cap.KEEPS_METADATA
    | Cap.EMPTY_FOLDERS
    | Cap.EMPTY_FILES
    | Cap.DEEP_LISTING
    | Cap.PARTS
    | Cap.FIND
    | Cap.DESCRIBE
    | Cap.IMPLIED_FOLDERS,
    limits=Limits(name_bytes=None, path_bytes=1024, file_size=5 << 40, time_step=1e-6),
    options=(
        Option("bucket", "Bucket", "The bucket to use. Left empty, every bucket is a folder at the top."),
        Option("path", "Folder", "A folder in the bucket; nothing outside it is seen.", advanced=True),
        Option("region", "Region", "The region of the bucket, such as eu-central-1.", default="us-east-1"),
        Option(
            "endpoint", "Endpoint", "The address of the store, such as https://s3.example.org. Left empty: Amazon S3."
        ),
        Option(
            "access_key_id",
            "Access key",
            "The id of the access key. Without one, requests are not signed: public buckets only.",
            environment="AWS_ACCESS_KEY_ID",
        ),
        Option(
            "secret_access_key",
            "Secret key",
            "The secret that belongs to the access key.",
            kind="secret",
            environment="AWS_SECRET_ACCESS_KEY",
        ),
        Option(
            "session_token",
            "Session token",
            "The token of temporary credentials.",
            kind="secret",
            advanced=True,
            environment="AWS_SESSION_TOKEN",
        ),
        Option(
            "addressing",
            "Addressing",
            "Where the bucket's name stands: in the path or in the host name. With auto: in the host name at Amazon, else in"
            " the path.",
            kind="choice",
            default="auto",
            choices=("auto", "path", "virtual"),
            advanced=True,
        ),
        Option("storage_class", "Storage class", "The class of new objects, such as STANDARD_IA.", advanced=True),
        ca_file(),
        plain_http(),
        consent("Accept that files cross the network unencrypted. The secret key itself is never sent."),
    ),
    digests=frozenset({"md5", "md5-of-parts", "crc64nvme", "crc32c", "sha1", "sha256"}),
    url=Url(schemes=("s3",), host="bucket", path="path"),
    rclone=(
        Rclone(
            "s3",
            {
                "access_key_id": "access_key_id",
                "secret_access_key": "secret_access_key",
                "session_token": "session_token",
                "endpoint": "endpoint",
                "region": "region",
                "storage_class": "storage_class",
            },
        ),
    ),
    unencrypted_when={"plain_http": True},
)

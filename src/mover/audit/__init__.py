"""What was done, by whom, in a log that cannot be changed without being seen.

`events` and `entry` say what is logged; `merkle`, `proofs`, `notes` and `checkpoint` are the arithmetic, without input or output;
`log` appends and signs in the database; `witness` and `timestamp` take checkpoints off the machine; `export`, `verify` and `proving` are
for the auditor.
"""

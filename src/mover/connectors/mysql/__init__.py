"""MySQL and MariaDB: a database as a tree of SQL files."""

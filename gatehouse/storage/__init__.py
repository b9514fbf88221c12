"""What lasts: records, their invariants and their migrations, on SQLite and PostgreSQL."""

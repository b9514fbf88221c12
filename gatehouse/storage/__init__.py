"""What lasts: records, their invariants and their migrations, on SQLite and PostgreSQL.

From the outside: open a `database.Database`, hand it units of work, and let them use repositories
(`users.Users`, `roles.Roles`, ...), which return `records` and raise `errors`.

A new aggregate is four short pieces, and everything else follows from them:

1. its table in `schema`, whose unique indexes are its conflicts;
2. its record in `records`, with the table's columns as fields, in order;
3. its repository: a `Repository` with `rows` and `event`, a `Finder` if it is searched, `LinkRows`
   and `Links` for its relations, and methods for the rules that are its own;
4. a revision in `migrations/versions`, which a test compares with the table.
"""

//! Where SQLite and PostgreSQL part ways; everything else is one text for both.

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// How a writing transaction begins. SQLite takes the write lock at once: a transaction that reads first and
    /// then wants to write can only fail.
    pub(crate) fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// What ends a `SELECT` that claims rows. SQLite has one writer, so there is nobody to skip.
    pub(crate) fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => "FOR UPDATE SKIP LOCKED",
        }
    }

    /// What ends a `SELECT` whose row is changed later in the same transaction.
    pub(crate) fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => "FOR UPDATE",
        }
    }

    /// As [`for_update`](Self::for_update), for one of several tables that are joined.
    pub(crate) fn for_update_of(self, table: &str) -> String {
        match self {
            Self::Sqlite => String::new(),
            Self::Postgres => format!("\n    FOR UPDATE OF {table}"),
        }
    }

    /// The placeholder of value `number` (from 1) in a statement of many rows. SQLite looks a numbered one up by
    /// walking a list of all of them, so a thousand of them cost a million steps; nameless ones cost nothing.
    pub(crate) fn placeholder(self, number: usize, text: &mut String) {
        match self {
            Self::Sqlite => text.push('?'),
            Self::Postgres => {
                text.push('$');
                text.push_str(&number.to_string());
            }
        }
    }
}

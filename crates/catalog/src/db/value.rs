//! The values that a statement takes: text and whole numbers, each of which may be absent.

use serde::Serialize;
use sqlx::query::{Query, QueryAs};
use sqlx::{Database, Encode, Type};

use crate::clock::Timestamp;
use crate::db::DbError;

/// A parameter of a statement.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// TEXT or NULL.
    Text(Option<String>),
    /// BIGINT or NULL.
    Int(Option<i64>),
}

impl std::fmt::Debug for Value {
    /// Shows the kind alone: a value may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::Int(_) => "Int(…)",
        })
    }
}

impl Value {
    /// Many rows as one parameter: a JSON array of arrays, for the statements that [`crate::statements!`] lists behind `@rows`.
    pub fn rows<R: Serialize>(rows: &[R]) -> Result<Self, DbError> {
        let text = serde_json::to_string(rows)
            .map_err(|problem| DbError::inconsistent("rows", rows.len(), problem))?;
        Ok(Self::Text(Some(text)))
    }
}

macro_rules! value_from {
    ($($from:ty => |$v:ident| $into:expr;)+) => {
        $(impl From<$from> for Value {
            fn from($v: $from) -> Self {
                $into
            }
        })+
    };
}

value_from! {
    &str => |v| Self::Text(Some(v.to_owned()));
    String => |v| Self::Text(Some(v));
    Option<String> => |v| Self::Text(v);
    Option<&str> => |v| Self::Text(v.map(ToOwned::to_owned));
    i64 => |v| Self::Int(Some(v));
    Option<i64> => |v| Self::Int(v);
    u32 => |v| Self::Int(Some(i64::from(v)));
    Option<u32> => |v| Self::Int(v.map(i64::from));
    u16 => |v| Self::Int(Some(i64::from(v)));
    Option<u16> => |v| Self::Int(v.map(i64::from));
    bool => |v| Self::Int(Some(i64::from(v)));
    Timestamp => |v| Self::Int(Some(v.as_micros()));
    Option<Timestamp> => |v| Self::Int(v.map(Timestamp::as_micros));
}

pub(super) fn bind<'q, DB>(
    query: Query<'q, DB, <DB as Database>::Arguments>,
    values: &[Value],
) -> Query<'q, DB, <DB as Database>::Arguments>
where
    DB: Database,
    Option<String>: Encode<'q, DB> + Type<DB>,
    Option<i64>: Encode<'q, DB> + Type<DB>,
{
    values.iter().fold(query, |query, value| match value {
        Value::Text(text) => query.bind(text.clone()),
        Value::Int(int) => query.bind(*int),
    })
}

pub(super) fn bind_as<'q, DB, R>(
    query: QueryAs<'q, DB, R, <DB as Database>::Arguments>,
    values: &[Value],
) -> QueryAs<'q, DB, R, <DB as Database>::Arguments>
where
    DB: Database,
    Option<String>: Encode<'q, DB> + Type<DB>,
    Option<i64>: Encode<'q, DB> + Type<DB>,
{
    values.iter().fold(query, |query, value| match value {
        Value::Text(text) => query.bind(text.clone()),
        Value::Int(int) => query.bind(*int),
    })
}

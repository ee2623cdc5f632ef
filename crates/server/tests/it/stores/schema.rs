//! The two schemas are equal: migrations, tables, columns and indexes.

use crate::support::{Engine, Test};
use std::collections::BTreeSet;
use std::path::Path;
use unitpay::testing::db::{Sql, newest_version, sql_of_each};

const COLUMNS: Sql = sql_of_each(
    "SELECT m.name, p.cid + 1, p.name, p.type, (p.\"notnull\" OR p.pk > 0), p.pk \
     FROM sqlite_schema m JOIN pragma_table_info(m.name) p \
     WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY m.name, p.cid",
    "SELECT c.table_name::TEXT, c.ordinal_position::BIGINT, c.column_name::TEXT, \
     CASE c.data_type WHEN 'bigint' THEN 'INTEGER' WHEN 'boolean' THEN 'INTEGER' \
     WHEN 'bytea' THEN 'BLOB' WHEN 'text' THEN 'TEXT' ELSE c.data_type::TEXT END, \
     (c.is_nullable = 'NO')::BOOLEAN::INT::BIGINT, COALESCE((SELECT k.ordinal_position::BIGINT \
     FROM information_schema.key_column_usage k JOIN information_schema.table_constraints n \
     ON n.constraint_name = k.constraint_name AND n.constraint_schema = k.constraint_schema \
     WHERE n.constraint_type = 'PRIMARY KEY' AND k.table_schema = c.table_schema \
     AND k.table_name = c.table_name AND k.column_name = c.column_name), 0) \
     FROM information_schema.columns c WHERE c.table_schema = 'public' \
     ORDER BY c.table_name COLLATE \"C\", c.ordinal_position",
);
/// An expression has the name that PostgreSQL gives it: only `lower` is used.
const INDEXES: Sql = sql_of_each(
    "SELECT m.tbl_name, m.name, l.\"unique\", l.partial, (SELECT group_concat(COALESCE(i.name, 'lower')) \
     FROM pragma_index_info(m.name) i) FROM sqlite_schema m \
     JOIN pragma_index_list(m.tbl_name) l ON l.name = m.name \
     WHERE m.type = 'index' AND m.sql IS NOT NULL ORDER BY m.name",
    "SELECT t.relname::TEXT, n.relname::TEXT, x.indisunique::INT::BIGINT, \
     (x.indpred IS NOT NULL)::INT::BIGINT, (SELECT string_agg(a.attname::TEXT, ',' ORDER BY a.attnum) \
     FROM pg_attribute a WHERE a.attrelid = x.indexrelid) FROM pg_index x \
     JOIN pg_class n ON n.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid \
     JOIN pg_namespace s ON s.oid = t.relnamespace WHERE s.nspname = 'public' \
     AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = x.indexrelid) \
     ORDER BY n.relname COLLATE \"C\"",
);

type ColumnRow = (String, i64, String, String, i64, i64);
type IndexRow = (String, String, i64, i64, String);

async fn columns_and_indexes(engine: Engine) -> (Vec<ColumnRow>, Vec<IndexRow>) {
    let t = Test::start(engine).await;
    let mut reading = t.app.db.read().await.unwrap();
    let columns = reading.all(&COLUMNS, &[], |row| {
        Ok((row.take()?, row.take()?, row.take()?, row.take()?, row.take()?, row.take()?))
    });
    let columns = columns.await.unwrap();
    let indexes = reading.all(&INDEXES, &[], |row| {
        Ok((row.take()?, row.take()?, row.take()?, row.take()?, row.take()?))
    });
    (columns, indexes.await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stores_have_the_same_schema() {
    let sqlite = columns_and_indexes(Engine::Sqlite).await;
    let postgres = columns_and_indexes(Engine::Postgres).await;
    assert!(sqlite.0.len() > 60 && sqlite.1.len() > 6);
    assert_eq!(sqlite.0, postgres.0);
    assert_eq!(sqlite.1, postgres.1);
}

#[test]
fn stores_have_the_same_migrations_without_gap() {
    let names = |engine: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
        let entries = std::fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect::<BTreeSet<_>>()
    };
    let sqlite = names("sqlite");
    assert_eq!(sqlite, names("postgres"));
    for (at, name) in sqlite.iter().enumerate() {
        assert!(name.starts_with(&format!("{:04}_", at + 1)) && name.ends_with(".sql"), "{name}");
    }
    // Each of them is compiled in.
    assert_eq!(newest_version(), i64::try_from(sqlite.len()).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn current_store_is_not_migrated_again() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let t = Test::start(engine).await;
        assert_eq!(t.app.db.version().await.unwrap(), newest_version());
        assert!(!t.app.db.migrate().await.unwrap());
    }
}

/// The embedded store's planner must expect very many rows per tenant, and not scan them for one
/// customer's.
#[test]
fn query_plans_use_the_customer() {
    let store = rusqlite::Connection::open_in_memory().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        store.execute_batch(&std::fs::read_to_string(file).unwrap()).unwrap();
    }
    let tables = "SELECT m.name FROM sqlite_schema m WHERE m.type = 'table' AND 2 = (SELECT count(*) \
         FROM pragma_table_info(m.name) p WHERE p.name IN ('tenant_no', 'customer_no')) \
         AND EXISTS (SELECT 1 FROM pragma_index_list(m.name) l JOIN pragma_index_info(l.name) i \
         WHERE i.name = 'customer_no')";
    let mut tables = store.prepare(tables).unwrap();
    let tables: Vec<String> =
        tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(tables.len() > 8, "{tables:?}");
    for table in tables {
        let plan = format!(
            "EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE tenant_no = $1 AND customer_no = $2"
        );
        let plan: String = store.query_row(&plan, [1, 1], |row| row.get("detail")).unwrap();
        assert!(plan.contains("customer_no=?"), "{plan}");
    }
}

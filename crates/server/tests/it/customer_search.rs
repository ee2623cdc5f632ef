//! Search for customers: by words, e-mail address and metadata, in bounded pages.

use crate::on_both_stores;
use crate::support::{Test, get, patch, post};
use serde_json::{Value, json};
use unitpay::testing::db::{Lane, Sql, Tx, sql};

/// Copies the customer with the id `$3`, with new ids beside its own.
const COPY: Sql = sql(
    "INSERT INTO customers (tenant_no, id, name, email, metadata, created_at, updated_at) \
    WITH RECURSIVE n(i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < CAST($2 AS BIGINT)) \
    SELECT c.tenant_no, substr(c.id, 1, 22) || substr(CAST(100000000 + n.i AS TEXT), 2), c.name, c.email, \
    c.metadata, c.created_at, c.updated_at FROM customers c, n WHERE c.id = $3",
);

/// A page, as an app shows it.
async fn page(t: &Test, query: &str) -> Value {
    t.call(get(format!("/v1/customers?{query}")).key(&t.key)).await.expect(200).json()
}

fn names(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

async fn add(t: &Test, name: &str, email: &str, metadata: Value) -> String {
    let body = json!({ "name": name, "email": email, "metadata": metadata });
    t.call(post("/v1/customers", &body).key(&t.key)).await.expect(201).text("id")
}

on_both_stores! {
    async fn customers_are_found_by_what_is_known_of_them(t) {
        let ada = add(&t, "Ada Lovelace", "ada@example.com", json!({ "plan": "team", "seat": "1" })).await;
        add(&t, "Émile Zola", "Emile@Example.com", json!({ "plan": "solo" })).await;
        add(&t, "100 % Köln GmbH", "billing@koeln.example", json!({})).await;
        t.call(patch(format!("/v1/customers/{ada}"), &json!({ "externalId": "user_42" })).key(&t.key)).await.expect(200);
        for (query, found) in [
            ("search=love", vec!["Ada Lovelace"]),
            ("search=LOVE%20ada", vec!["Ada Lovelace"]),
            ("search=USER_4", vec!["Ada Lovelace"]),
            ("search=%C3%A9mile", vec!["Émile Zola"]),
            ("search=k%C3%96ln", vec!["100 % Köln GmbH"]),
            // Signs that have a meaning in patterns are only signs.
            ("search=%25", vec!["100 % Köln GmbH"]),
            ("search=user%42", vec![]),
            ("search=_2", vec![]),
            ("search=example.com", vec!["Émile Zola", "Ada Lovelace"]),
            ("search=ada%20zola", vec![]),
            ("email=emile@example.COM", vec!["Émile Zola"]),
            ("email=mile@example.com", vec![]),
            ("metadataKey=plan&metadataValue=team", vec!["Ada Lovelace"]),
            ("metadataKey=plan&metadataValue=tea", vec![]),
            ("metadataKey=seat&metadataValue=1", vec!["Ada Lovelace"]),
            ("metadataKey=team&metadataValue=plan", vec![]),
            ("search=zola&email=emile@example.com&metadataKey=plan&metadataValue=solo", vec!["Émile Zola"]),
            ("search=ada&email=emile@example.com", vec![]),
            ("externalId=user_42&search=ada", vec!["Ada Lovelace"]),
            ("externalId=user_42&search=zola", vec![]),
        ] {
            assert_eq!(names(&page(&t, query).await), found, "{query}");
        }
        t.call(post(format!("/v1/customers/{ada}/archive"), &json!({})).key(&t.key)).await.expect(200);
        assert_eq!(names(&page(&t, "search=ada&status=active").await), [] as [&str; 0]);
        assert_eq!(names(&page(&t, "email=ada@example.com&status=archived").await), ["Ada Lovelace"]);
        for query in ["search=", "email=ada", "metadataKey=plan", "metadataValue=team", "metadataKey=&metadataValue=x"] {
            t.call(get(format!("/v1/customers?{query}")).key(&t.key)).await.refused(422, "validation_failed");
        }
        let foreign = t.organization("other").await;
        let foreign = t.key_of(foreign, unitpay::testing::keys::KeyScopes::ALL).await;
        let hidden = t.call(get("/v1/customers?search=zola").key(&foreign)).await.expect(200).json();
        assert_eq!(names(&hidden), [] as [&str; 0]);
    }

    async fn search_continues_where_its_page_stopped(t) {
        let add_next = async |name: &str| {
            t.advance(1);
            add(&t, name, "one@example.com", json!({})).await
        };
        add_next("Needle 1").await;
        add_next("Needle 2").await;
        let hay = add_next("Hay").await;
        let copied = t.app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            tx.execute(&COPY, &[1.into(), 12_000.into(), (&hay).into()]).await
        });
        assert_eq!(copied.await.unwrap(), 12_000);
        add_next("Needle 3").await;
        let mut pages = vec![page(&t, "search=needle&limit=2").await];
        while let Some(cursor) = pages[pages.len() - 1]["nextCursor"].as_str() {
            assert_eq!(pages[pages.len() - 1]["hasMore"], true);
            pages.push(page(&t, &format!("search=needle&limit=2&cursor={cursor}")).await);
        }
        let found: Vec<Vec<&str>> = pages.iter().map(names).collect();
        assert_eq!(found, [vec!["Needle 3"], vec![], vec!["Needle 2", "Needle 1"]]);
        assert_eq!(pages[2]["hasMore"], false);
        // And back, from the oldest: each customer comes once.
        let mut back = vec![pages.pop().unwrap()];
        while let Some(cursor) = back[back.len() - 1]["prevCursor"].as_str() {
            back.push(page(&t, &format!("search=needle&limit=2&cursor={cursor}")).await);
        }
        let found: Vec<&str> = back.iter().flat_map(names).collect();
        assert_eq!(found, ["Needle 2", "Needle 1", "Needle 3"]);
    }
}

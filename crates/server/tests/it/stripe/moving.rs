//! `unitpay import` as a program: options, exit codes, its report, and kill -9 at any call.

use super::accounts::run;
use super::stand_in::{Fault, PUBLISHABLE, SECRET, StandIn};
use crate::support::{Engine, Place};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Child, Stdio};
use unitpay::testing::base::Clock;
use unitpay::testing::db::{Sql, sql};

const DAY: i64 = 86_400;
const CUSTOMERS: Sql = sql("SELECT COUNT(*) FROM customers");
const SUBSCRIPTIONS: Sql = sql("SELECT COUNT(*) FROM subscriptions");

/// A store with a plan and a connected account, and its mapping file.
struct World {
    place: Place,
    stand_in: StandIn,
}

impl World {
    async fn new(engine: Engine) -> Self {
        let (place, stand_in) = (Place::new(engine).await, StandIn::start().await);
        // The server is gone before an account is connected, so that it calls nobody.
        let (key, mut node) = (place.key(), place.serve());
        let product = node.make(&key, "products", json!({ "slug": "main", "name": "Main" })).await;
        let plan = json!({
            "productId": product, "slug": "pro", "name": "Pro", "status": "active",
            "billingInterval": "month", "currency": "USD",
            "charges": [{ "type": "recurring", "amount": 2_000 }],
        });
        let plan = node.make(&key, "plans", plan).await;
        let map = format!("external_id = 'metadata.user'\n[plans]\nprice_pro = '{plan}'\n");
        std::fs::write(place.path("map.toml"), map).unwrap();
        assert!(node.terminate());
        let input = format!("secret_key={SECRET}\npublishable_key={PUBLISHABLE}\n");
        let connect = ["processors", "connect", "stripe", "--env", "sandbox"];
        let (connected, said) = run(&place, &stand_in, &connect, &input);
        assert!(connected, "{said}");
        Self { place, stand_in }
    }

    fn add(&self, name: &str, members: Value) {
        let email = format!("{name}@example.com");
        let user = json!({ "name": name, "email": email, "metadata": { "user": name } });
        let customer = self.stand_in.add_customer(user);
        self.stand_in.add_default(&customer, "pm_card_visa");
        let until = Clock::system().now().seconds() + 10 * DAY;
        self.stand_in.add_subscription(&customer, (until, until), members);
    }

    fn start(&self, more: &[&str]) -> Child {
        let map = self.place.path("map.toml").display().to_string();
        let fixed = ["import", "stripe", "--env", "sandbox", "--rate", "80", "--map", &map];
        let mut command = self.place.command(&[&fixed[..], more].concat());
        command.env("UNITPAY_STRIPE_API_BASE", self.stand_in.url()).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Returns the exit code, the lines of the report, and what was said beside it.
    fn import(&self, more: &[&str], typed: &str) -> (i32, Vec<Value>, String) {
        let mut child = self.start(more);
        child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        let text = String::from_utf8(done.stdout).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let said = String::from_utf8(done.stderr).unwrap();
        assert!(!said.contains(SECRET) && !text.contains(SECRET));
        (done.status.code().unwrap(), lines, said)
    }

    async fn count(&self, statement: &Sql) -> i64 {
        let db = self.place.open();
        let mut tx = db.read().await.unwrap();
        let rows: Vec<i64> = tx.all(statement, &[], |row| row.take()).await.unwrap();
        rows[0]
    }
}

async fn moves_all_however_often_it_is_killed(engine: Engine) {
    let world = World::new(engine).await;
    for name in ["a", "b", "c"] {
        world.add(name, json!({}));
    }
    // The calls: two pages of subscriptions, two of customers, three lists of cards.
    for passed in 0..7 {
        world.stand_in.fail(&vec![Fault::None; passed]);
        world.stand_in.fail(&[Fault::HangBefore]);
        let mut child = world.start(&[]);
        world.stand_in.hangs().await;
        child.kill().unwrap();
        child.wait().unwrap();
        let (customers, whole) = (world.count(&CUSTOMERS).await, world.count(&SUBSCRIPTIONS).await);
        assert_eq!(customers, whole, "killed at call {passed}");
    }
    let (code, lines, said) = world.import(&[], "");
    assert_eq!((code, world.count(&SUBSCRIPTIONS).await), (0, 3), "{said}");
    assert!(said.contains("3 subscriptions renew here and at Stripe"), "{said}");
    assert_eq!(lines.last().unwrap()["customers"], json!({ "imported": 1, "known": 2 }));
    // Killed while it ends them at Stripe, it ends the rest the next time.
    for passed in [8, 10] {
        world.stand_in.fail(&vec![Fault::None; passed]);
        world.stand_in.fail(&[Fault::HangAfter]);
        let mut child = world.start(&["--pause-stripe", "--yes"]);
        world.stand_in.hangs().await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (code, lines, _) = world.import(&["--pause-stripe", "--yes"], "");
    assert_eq!((code, &lines.last().unwrap()["bothActive"]), (0, &json!(0)));
    let ended = world.stand_in.all("subscription");
    assert!(ended.iter().all(|one| one["cancel_at_period_end"] == true));
    assert_eq!((world.count(&CUSTOMERS).await, world.stand_in.charges()), (3, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn import_moves_all_on_sqlite_when_killed() {
    moves_all_however_often_it_is_killed(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn import_moves_all_on_postgres_when_killed() {
    moves_all_however_often_it_is_killed(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn import_tells_scripts_how_it_went() {
    let world = World::new(Engine::Sqlite).await;
    world.add("a", json!({}));
    // Not confirmed, nothing ends at Stripe; what moved stays.
    let (code, lines, said) = world.import(&["--pause-stripe"], "yes\n");
    assert_eq!((code, &lines.last().unwrap()["bothActive"]), (1, &json!(1)));
    assert!(said.contains("not confirmed") && said.contains("Type: end 1"), "{said}");
    assert_eq!(world.count(&SUBSCRIPTIONS).await, 1);
    let is_ended = || world.stand_in.all("subscription")[0]["cancel_at_period_end"] == true;
    assert!(!is_ended());
    let (code, _, said) = world.import(&["--pause-stripe"], "end 1\n");
    assert!(code == 0 && is_ended(), "{said}");
    // The report lists prices that are not mapped, and the exit code is 3.
    world.add("b", json!({ "price": { "id": "price_other" } }));
    for more in [&["--dry-run"][..], &[]] {
        let (code, lines, _) = world.import(more, "");
        assert_eq!(code, 3);
        let summary = lines.last().unwrap();
        assert_eq!(summary["codes"], json!({ "price_not_mapped": 1 }));
        assert_eq!(summary["subscriptions"], json!({ "known": 1, "refused": 1 }));
    }
    world.stand_in.forbid("/v1/subscriptions");
    let (code, lines, said) = world.import(&[], "");
    assert_eq!(
        (code, &lines[0]["kind"], &lines[0]["code"]),
        (1, &json!("failure"), &json!("permission_missing"))
    );
    assert!(said.contains("/v1/subscriptions"), "{said}");
    for wrong in [&["--dry-run", "--pause-stripe"][..], &["--yes"], &["--rate", "0"]] {
        let (code, lines, _) = world.import(wrong, "");
        assert_eq!((code, lines.len()), (2, 0), "{wrong:?}");
    }
    std::fs::write(world.place.path("map.toml"), "external_id = 'name'").unwrap();
    let (code, lines, said) = world.import(&[], "");
    assert_eq!((code, lines.len()), (1, 0));
    assert!(said.contains("map.toml"), "{said}");
}

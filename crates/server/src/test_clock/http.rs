//! HTTP handlers of the test clock, in the sandbox only.

use super::{Advancing, TestClock};
use crate::app::App;
use crate::auth::SecretKey;
use crate::base::Time;
use crate::base::words::words;
use crate::db::{Lane, Tx};
use crate::flows;
use crate::flows::advance::ClockError;
use crate::http::wire::Request;
use crate::http::{Body, Code, Json, Problem};
use crate::keys::KeyScopes;
use crate::organizations::{Environment, Tenant};
use crate::work::Work;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// The time that a call waits for the clock.
const WAIT: Duration = Duration::from_secs(20);

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TestClock)]
pub struct TestClockResponse {
    pub status: TestClockStatus,
    /// Billing time; while the clock advances, the time it has reached.
    #[schema(value_type = String, format = DateTime)]
    pub now: Time,
}

words! {
    TestClockStatus {
        Ready = "ready",
        Advancing = "advancing",
    }
}

#[derive(Debug, Request)]
pub struct AdvanceTestClockRequest {
    /// A time from now to two years ahead.
    to: Time,
}

fn response(clock: TestClock, real: Time) -> TestClockResponse {
    let status = match clock.advancing_to {
        Some(_) => TestClockStatus::Advancing,
        None => TestClockStatus::Ready,
    };
    TestClockResponse { status, now: clock.now(real) }
}

fn sandbox(tenant: Tenant) -> Result<Tenant, Problem> {
    match tenant.environment {
        Environment::Sandbox => Ok(tenant),
        Environment::Live => Err(Problem::not_found()),
    }
}

/// Returns billing time.
#[utoipa::path(get, path = "/v1/test-clock", tag = "testClock", operation_id = "getTestClock",
    responses((status = 200, body = TestClockResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::SUBSCRIPTIONS_READ }>,
) -> Result<Json<TestClockResponse>, Problem> {
    let tenant = sandbox(caller.tenant())?;
    let clock = super::clock(&mut app.db.read().await?, &tenant).await?;
    Ok(Json(StatusCode::OK, response(clock, app.clock.now())))
}

/// Advances billing time. Everything that falls due until then happens, each at its own instant.
/// Returns 202 if this takes longer than twenty seconds; the clock then continues automatically.
#[utoipa::path(post, path = "/v1/test-clock/advance", tag = "testClock", operation_id = "advanceTestClock",
    responses((status = 200, body = TestClockResponse), (status = 202, body = TestClockResponse)))]
pub async fn advance(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::SUBSCRIPTIONS_WRITE }>,
    body: Body<AdvanceTestClockRequest>,
) -> Result<Json<TestClockResponse>, Problem> {
    let tenant = sandbox(caller.tenant())?;
    let to = body.read()?.0.to;
    let (to, by) = (Time::from_seconds(to.seconds()), app.by(caller.actor()));
    app.db
        .write::<_, ClockError, _>(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            let at = super::now(tx, &tenant, by.now).await?;
            flows::set_out(&mut Work { tx, tenant: &tenant, at, by: &by }, to).await
        })
        .await?;
    let clock = flows::go_on(&app, &tenant, WAIT).await?;
    let there = clock.advancing_to.is_none();
    let status = if there { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok(Json(status, response(clock, app.clock.now())))
}

impl From<ClockError> for Problem {
    fn from(error: ClockError) -> Self {
        match error {
            ClockError::Db(error) => error.into(),
            ClockError::Advancing => Advancing.into(),
            ClockError::OutOfRange => {
                Self::invalid_param("to", "must be between now and two years from now")
            }
        }
    }
}

impl From<Advancing> for Problem {
    fn from(_: Advancing) -> Self {
        Self::new(Code::TestClockAdvancing, "The test clock is advancing; try again later.")
    }
}

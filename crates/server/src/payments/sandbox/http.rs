//! Completes the sandbox's form, like a processor's own page.

use super::{Confirmed, SIGNATURE};
use crate::app::App;
use crate::auth::{Caller, INVOICE_LINK};
use crate::base::Viewer;
use crate::base::words::words;
use crate::http::leaves::Text;
use crate::http::wire::Request;
use crate::http::{Body, Code, Problem};
use crate::keys::KeyScopes;
use crate::organizations::Environment;
use crate::payments::PaymentProcessor;
use crate::payments::processor::BadWebhook;
use crate::{flows, settlement, test_clock};
use axum::extract::State;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::sync::Arc;

#[derive(Debug, Request)]
pub struct ConfirmFormRequest {
    #[request(with = Text<1, 200>)]
    client_secret: String,
    outcome: FormOutcome,
}

words! {
    FormOutcome {
        Succeed = "succeed",
        /// Responds with a decline. The form stays open.
        Decline = "decline",
    }
}

/// Fills in a form of the sandbox, as its customer would. A portal token needs no scope: the form's
/// secret is the permission.
#[utoipa::path(post, path = "/v1/sandbox/forms/confirm", tag = "sandbox", operation_id = "confirmSandboxForm",
    responses((status = 204)))]
pub async fn confirm(
    State(app): State<Arc<App>>,
    caller: Caller<{ KeyScopes::PAYMENT_METHODS_WRITE }, INVOICE_LINK>,
    body: Body<ConfirmFormRequest>,
) -> Result<StatusCode, Problem> {
    let (ConfirmFormRequest { client_secret: secret, outcome }, _) = body.read()?;
    let succeed = match outcome {
        FormOutcome::Succeed => true,
        FormOutcome::Decline => false,
    };
    let tenant = caller.tenant();
    if tenant.environment != Environment::Sandbox {
        return Err(Problem::not_found());
    }
    let customer = match &caller {
        Caller::Key(_) => None,
        Caller::Portal(portal) => Some(portal.verified().session().customer_id),
    };
    let mut tx = app.db.read().await?;
    test_clock::write_now::<Problem>(&mut tx, &tenant, app.clock.now()).await?;
    if let Viewer::Invoice(_, invoice) = caller.viewer() {
        // Of the customer's forms, the open one of the invoice only.
        let live = settlement::live(&mut tx, &tenant, invoice).await?;
        if live.and_then(|attempt| attempt.client_secret).as_ref() != Some(&secret) {
            return Err(Problem::not_found());
        }
    }
    drop(tx);
    let sandbox = app.processors.sandbox();
    let confirmed = sandbox.confirm(&tenant, customer, secret, succeed).await;
    let delivery = match confirmed.map_err(Problem::unavailable)? {
        None => return Err(Problem::not_found()),
        Some(Confirmed::Declined(reason)) => {
            let problem = Problem::new(Code::PaymentDeclined, "The payment was declined.");
            return Err(problem.with("declineReason", reason.as_str()));
        }
        Some(Confirmed::Done(delivery)) => delivery,
    };
    // From here on it is handled like any webhook.
    let mut headers = HeaderMap::new();
    let signature = HeaderValue::from_str(&delivery.signature).map_err(Problem::internal)?;
    headers.insert(SIGNATURE, signature);
    let id = sandbox.verify_webhook(&tenant, &headers, &delivery.body, app.clock.now());
    let id = id.map_err(|BadWebhook| Problem::internal("the sandbox's own webhook was refused"))?;
    flows::take_event(&app, &tenant, sandbox.name(), &id, &delivery.body).await?;
    Ok(StatusCode::NO_CONTENT)
}

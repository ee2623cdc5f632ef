//! Describes events: one schema per kind of object, and the `webhooks` of the API description.

use crate::credits::http::CreditAccountResponse;
use crate::customers::http::CustomerResponse;
use crate::events::{EventType, Message, Subject};
use crate::http::leaves::string;
use crate::http::wire::{Components, named, named_component};
use crate::invoices::http::InvoiceResponse;
use crate::payments::http::PaymentMethodResponse;
use crate::portal::http::PortalSessionResponse;
use crate::settlement::http::PaymentAttemptResponse;
use crate::subscriptions::http::SubscriptionResponse;
use crate::usage::http::UsageMeter;
use crate::webhooks::http::WebhookEndpointResponse;
use std::borrow::Cow;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn, Paths, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{KnownFormat, OneOfBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{
    Content, HttpMethod, ObjectBuilder, PathItem, Ref, RefOr, Required, ResponseBuilder, Schema,
};
use utoipa::{PartialSchema, ToSchema};

/// The schemas of events. A deleted payment method is gone, so its event has a schema of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Customer,
    Subscription,
    Invoice,
    Payment,
    PaymentMethod,
    PaymentMethodDetached,
    Credits,
    Usage,
    PortalSession,
    WebhookEndpoint,
}

impl Form {
    const ALL: [Self; 10] = [
        Self::Customer,
        Self::Subscription,
        Self::Invoice,
        Self::Payment,
        Self::PaymentMethod,
        Self::PaymentMethodDetached,
        Self::Credits,
        Self::Usage,
        Self::PortalSession,
        Self::WebhookEndpoint,
    ];

    const fn for_event(event: EventType) -> Self {
        match event.subject() {
            Subject::Customer => Self::Customer,
            Subject::Subscription => Self::Subscription,
            Subject::Invoice => Self::Invoice,
            Subject::PaymentAttempt => Self::Payment,
            Subject::PaymentMethod if matches!(event, EventType::PaymentMethodDetached) => {
                Self::PaymentMethodDetached
            }
            Subject::PaymentMethod => Self::PaymentMethod,
            Subject::CreditAccount => Self::Credits,
            Subject::Usage => Self::Usage,
            Subject::PortalSession => Self::PortalSession,
            Subject::WebhookEndpoint => Self::WebhookEndpoint,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Customer => "CustomerEvent",
            Self::Subscription => "SubscriptionEvent",
            Self::Invoice => "InvoiceEvent",
            Self::Payment => "PaymentEvent",
            Self::PaymentMethod => "PaymentMethodEvent",
            Self::PaymentMethodDetached => "PaymentMethodDetachedEvent",
            Self::Credits => "CreditsEvent",
            Self::Usage => "UsageLimitEvent",
            Self::PortalSession => "PortalSessionEvent",
            Self::WebhookEndpoint => "WebhookEndpointEvent",
        }
    }

    fn object(self) -> RefOr<Schema> {
        match self {
            Self::Customer => named::<CustomerResponse>(),
            Self::Subscription => named::<SubscriptionResponse>(),
            Self::Invoice => named::<InvoiceResponse>(),
            Self::Payment => named::<PaymentAttemptResponse>(),
            Self::PaymentMethod => named::<PaymentMethodResponse>(),
            Self::PaymentMethodDetached => deleted(),
            Self::Credits => named::<CreditAccountResponse>(),
            Self::Usage => named::<UsageMeter>(),
            Self::PortalSession => named::<PortalSessionResponse>(),
            Self::WebhookEndpoint => named::<WebhookEndpointResponse>(),
        }
    }

    fn add_object(self, components: &mut Components) {
        match self {
            Self::Customer => named_component::<CustomerResponse>(components),
            Self::Subscription => named_component::<SubscriptionResponse>(components),
            Self::Invoice => named_component::<InvoiceResponse>(components),
            Self::Payment => named_component::<PaymentAttemptResponse>(components),
            Self::PaymentMethod => named_component::<PaymentMethodResponse>(components),
            Self::PaymentMethodDetached => {}
            Self::Credits => named_component::<CreditAccountResponse>(components),
            Self::Usage => named_component::<UsageMeter>(components),
            Self::PortalSession => named_component::<PortalSessionResponse>(components),
            Self::WebhookEndpoint => named_component::<WebhookEndpointResponse>(components),
        }
    }

    fn schema(self) -> RefOr<Schema> {
        let types = EventType::ALL.into_iter().filter(|event| Self::for_event(*event) == self);
        let types = string().enum_values(Some(types.map(EventType::as_str)));
        let time = string().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        let int64 = Some(SchemaFormat::KnownFormat(KnownFormat::Int64));
        let data = ObjectBuilder::new().property("object", self.object()).required("object");
        let customer = SchemaType::Array(vec![Type::String, Type::Null]);
        let fields: [(&str, RefOr<Schema>); 6] = [
            ("id", string().description(Some("The same in every delivery of the event.")).into()),
            ("type", types.into()),
            ("timestamp", time.description(Some("When the change happened.")).into()),
            (
                "sequence",
                ObjectBuilder::new()
                    .schema_type(Type::Integer)
                    .format(int64)
                    .description(Some("Ascends by one with each event of the environment."))
                    .into(),
            ),
            ("customerId", ObjectBuilder::new().schema_type(customer).into()),
            ("data", data.into()),
        ];
        let object = fields.into_iter().fold(ObjectBuilder::new(), |object, (name, schema)| {
            object.property(name, schema).required(name)
        });
        object.into()
    }
}

/// The object of an event whose object was deleted before the event was published.
fn deleted() -> RefOr<Schema> {
    let always = ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true]));
    let customer = SchemaType::Array(vec![Type::String, Type::Null]);
    ObjectBuilder::new()
        .property("id", string())
        .required("id")
        .property("customerId", ObjectBuilder::new().schema_type(customer))
        .required("customerId")
        .property("deleted", always)
        .required("deleted")
        .into()
}

impl PartialSchema for Message {
    fn schema() -> RefOr<Schema> {
        let forms = Form::ALL.into_iter().map(|form| Ref::from_schema_name(form.name()));
        forms.fold(OneOfBuilder::new(), OneOfBuilder::item).into()
    }
}

impl ToSchema for Message {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Event")
    }

    fn schemas(components: &mut Components) {
        for form in Form::ALL {
            components.push((form.name().to_owned(), form.schema()));
            form.add_object(components);
        }
    }
}

/// Describes the request that an endpoint receives for each type of event.
pub fn describe_webhooks() -> Paths {
    let paths = EventType::ALL.into_iter().fold(PathsBuilder::new(), |paths, event| {
        let content = Content::new(Some(Ref::from_schema_name(Form::for_event(event).name())));
        let body = RequestBodyBuilder::new()
            .content("application/json", content)
            .required(Some(Required::True));
        let accepted = "Any status from 200 to 299 accepts the event. Any other is a failure.";
        let operation = OperationBuilder::new()
            .parameters(Some([
                header("webhook-id", "The event's `id`."),
                header("webhook-timestamp", "When this attempt was signed, in seconds since 1970."),
                header(
                    "webhook-signature",
                    "`v1,` and a signature; several are separated by spaces.",
                ),
            ]))
            .request_body(Some(body.build()))
            .response("2XX", ResponseBuilder::new().description(accepted).build());
        paths.path(event.as_str(), PathItem::new(HttpMethod::Post, operation))
    });
    paths.build()
}

fn header(name: &str, description: &str) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(string()))
}

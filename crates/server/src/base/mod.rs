//! Words that every slice uses: time, randomness, ids, pages. Nothing here knows HTTP or SQL.

pub mod clock;
pub mod ids;
pub mod page;
pub mod random;
pub mod scopes;
pub mod secret;

pub use clock::{Clock, Time, wall_clock};
pub use ids::{ApiKeyId, CustomerId, EventId, Ids, OrganizationId, PortalSessionId, RequestId};
pub use page::{Cursor, Page, PageQuery};
pub use random::Random;
pub use secret::Secret;

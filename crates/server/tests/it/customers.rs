//! Customers, for the backend and for the browser.

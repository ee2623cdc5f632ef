//! Request bodies: whatever is not exactly what a route takes is refused and nothing changes.

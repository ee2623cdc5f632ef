//! What a hostile or slow client may do to the listener.

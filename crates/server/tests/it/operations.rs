//! Every operation of openapi.json by every kind of caller.

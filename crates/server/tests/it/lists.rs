//! Pages and cursors.

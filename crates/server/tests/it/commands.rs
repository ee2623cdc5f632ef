//! The program's commands, each run as an operator runs it.

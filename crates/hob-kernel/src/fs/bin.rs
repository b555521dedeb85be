//! A read-only directory of commands, from folders and packages.

//! From a path to a place in the tree.

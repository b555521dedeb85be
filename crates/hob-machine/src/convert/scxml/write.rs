//! From a document to SCXML.

//! XState

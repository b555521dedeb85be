//! The agentOS sidecar protocol, served by hob.

pub mod bare;
pub mod frame;
pub mod protocol;
#[cfg(test)]
mod sample;

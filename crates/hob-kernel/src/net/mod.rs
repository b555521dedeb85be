//! Sockets.
use crate::fd::{Caller, Ready, Stream};
use crate::wait::WaitQueue;
use hob_os::{FileType, Result};
use std::time::Duration;
#[derive(Debug)]
pub struct Network;
impl Network {
    pub fn new(_: &str) -> Self {
        Self
    }
}
#[derive(Debug)]
pub struct Socket(WaitQueue);
pub struct Options {
    pub receive_timeout: Option<Duration>,
}
impl Socket {
    pub fn options(&self) -> Options {
        Options { receive_timeout: None }
    }
}
impl Stream for Socket {
    fn kind(&self) -> FileType {
        FileType::SocketStream
    }
    fn try_read(&self, _: &Caller, _: &mut [u8]) -> Result<usize> {
        Ok(0)
    }
    fn try_write(&self, _: &Caller, _: &[u8]) -> Result<usize> {
        Ok(0)
    }
    fn ready(&self) -> Ready {
        Ready::default()
    }
    fn queue(&self) -> &WaitQueue {
        &self.0
    }
}

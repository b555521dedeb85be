//! What can be set about a socket.

use std::time::Duration;

/// The settings of a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether a port is shared with others that say the same.
    pub reuse_address: bool,
    /// How long closing waits for the other end to take everything. What is sent inside the session has arrived at
    /// once, so only zero means something: closing resets the connection.
    pub linger: Option<Duration>,
    /// How long receiving waits: whoever waits asks for it.
    pub receive_timeout: Option<Duration>,
    /// Whether a silent connection is probed. Kept, and without effect.
    pub keep_alive: bool,
    /// Whether small writes are sent at once; they always are.
    pub no_delay: bool,
}

/// One setting to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOption {
    /// `SO_REUSEADDR`.
    ReuseAddress(bool),
    /// `SO_LINGER`; `None` is off.
    Linger(Option<Duration>),
    /// `SO_RCVTIMEO`; `None` or zero waits for ever.
    ReceiveTimeout(Option<Duration>),
    /// `SO_KEEPALIVE`.
    KeepAlive(bool),
    /// `TCP_NODELAY`.
    NoDelay(bool),
    /// `IP_TOS` and `IPV6_TCLASS`: taken, and without effect.
    TrafficClass,
}

impl Options {
    pub(super) fn set(&mut self, option: SetOption) {
        match option {
            SetOption::ReuseAddress(on) => self.reuse_address = on,
            SetOption::Linger(time) => self.linger = time,
            SetOption::ReceiveTimeout(time) => self.receive_timeout = time.filter(|time| !time.is_zero()),
            SetOption::KeepAlive(on) => self.keep_alive = on,
            SetOption::NoDelay(on) => self.no_delay = on,
            SetOption::TrafficClass => {}
        }
    }

    /// Whether closing resets the connection.
    pub(super) fn aborts(&self) -> bool {
        self.linger.is_some_and(|time| time.is_zero())
    }
}

//! Error numbers: how WASI preview 1 numbers the errors that every contract shares.
//!
//! Source: the `errno` type of the preview 1 witx.

use hob_cap::{Limit, LimitExceeded};
use hob_engine::{Fault, OutOfBounds};
use hob_os::{Errno, OsError};

/// How a call did not succeed: with a number the guest gets, or by ending the guest. A limit is a number for the guest and
/// has a name for whoever looks after it.
pub(crate) enum Refusal {
    Errno(Errno),
    Limit(LimitExceeded),
    Fault(Fault),
}

pub(crate) type Result<T> = std::result::Result<T, Refusal>;

/// The number the guest gets; 0 is success.
pub(crate) fn answer(result: Result<()>) -> std::result::Result<i32, Fault> {
    match result {
        Ok(()) => Ok(0),
        Err(Refusal::Errno(errno)) => Ok(number(errno)),
        Err(Refusal::Limit(limit)) => Ok(number(OsError::Limit(limit).errno())),
        Err(Refusal::Fault(fault)) => Err(fault),
    }
}

impl From<OsError> for Refusal {
    fn from(error: OsError) -> Self {
        match error {
            OsError::Stopped(reason) => Self::Fault(reason.into()),
            // A guest that floods its output would only try again: it ends here, and the limit is named.
            OsError::Limit(limit) if limit.limit == Limit::Output => Self::Fault(limit.into()),
            OsError::Limit(limit) => Self::Limit(limit),
            OsError::Errno(errno) => Self::Errno(errno),
        }
    }
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// A pointer that does not lie in the guest's memory is the guest's mistake to handle.
impl From<OutOfBounds> for Refusal {
    fn from(_: OutOfBounds) -> Self {
        Self::Errno(Errno::Fault)
    }
}

pub(crate) fn number(errno: Errno) -> i32 {
    match errno {
        Errno::TooBig => 1,
        Errno::Acces => 2,
        Errno::AddrInUse => 3,
        Errno::AddrNotAvail => 4,
        Errno::AfNoSupport => 5,
        Errno::Again => 6,
        Errno::Already => 7,
        Errno::Badf => 8,
        Errno::BadMsg => 9,
        Errno::Busy => 10,
        Errno::Canceled => 11,
        Errno::Child => 12,
        Errno::ConnAborted => 13,
        Errno::ConnRefused => 14,
        Errno::ConnReset => 15,
        Errno::Deadlk => 16,
        Errno::DestAddrReq => 17,
        Errno::Dom => 18,
        Errno::Dquot => 19,
        Errno::Exist => 20,
        Errno::Fault => 21,
        Errno::Fbig => 22,
        Errno::HostUnreach => 23,
        Errno::Idrm => 24,
        Errno::Ilseq => 25,
        Errno::InProgress => 26,
        Errno::Intr => 27,
        Errno::Inval => 28,
        Errno::Io => 29,
        Errno::IsConn => 30,
        Errno::IsDir => 31,
        Errno::Loop => 32,
        Errno::Mfile => 33,
        Errno::Mlink => 34,
        Errno::MsgSize => 35,
        Errno::Multihop => 36,
        Errno::NameTooLong => 37,
        Errno::NetDown => 38,
        Errno::NetReset => 39,
        Errno::NetUnreach => 40,
        Errno::Nfile => 41,
        Errno::Nobufs => 42,
        Errno::Nodev => 43,
        Errno::Noent => 44,
        Errno::Noexec => 45,
        Errno::Nolck => 46,
        Errno::Nolink => 47,
        Errno::Nomem => 48,
        Errno::Nomsg => 49,
        Errno::NoProtoOpt => 50,
        Errno::Nospc => 51,
        Errno::Nosys => 52,
        Errno::NotConn => 53,
        Errno::NotDir => 54,
        Errno::NotEmpty => 55,
        Errno::NotRecoverable => 56,
        Errno::NotSock => 57,
        Errno::NotSup => 58,
        Errno::NotTy => 59,
        Errno::Nxio => 60,
        Errno::Overflow => 61,
        Errno::OwnerDead => 62,
        Errno::Perm => 63,
        Errno::Pipe => 64,
        Errno::Proto => 65,
        Errno::ProtoNoSupport => 66,
        Errno::ProtoType => 67,
        Errno::Range => 68,
        Errno::Rofs => 69,
        Errno::Spipe => 70,
        Errno::Srch => 71,
        Errno::Stale => 72,
        Errno::TimedOut => 73,
        Errno::TxtBsy => 74,
        Errno::Xdev => 75,
        Errno::NotCapable => 76,
        // Outside the table of preview 1, in a place the command contract gave it.
        Errno::NoData => 78,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_preview_1() {
        let check = |errno, want| assert_eq!(number(errno), want, "{errno:?}");
        check(Errno::TooBig, 1);
        check(Errno::Acces, 2);
        check(Errno::Badf, 8);
        check(Errno::Exist, 20);
        check(Errno::Inval, 28);
        check(Errno::IsDir, 31);
        check(Errno::Noent, 44);
        check(Errno::Nosys, 52);
        check(Errno::NotDir, 54);
        check(Errno::NotSup, 58);
        check(Errno::Perm, 63);
        check(Errno::Spipe, 70);
        check(Errno::NotCapable, 76);
        let mut numbers: Vec<i32> = Errno::ALL.iter().map(|errno| number(*errno)).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=76).chain([78]).collect::<Vec<i32>>());
    }
}

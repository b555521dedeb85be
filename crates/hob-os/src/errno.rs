//! Why a call failed, in words every contract shares.
//!
//! [`Errno`] names the POSIX errors and carries no numbers: each contract maps it to its own. [`OsError`]
//! adds the two endings that are not the guest's to handle as an ordinary error: the guest is being
//! stopped, or it used up a limit.
//!
//! Promise: a refusal by a grant is always [`Errno::Perm`] and never depends on whether the refused
//! object exists, so an error cannot be used to look outside a grant.

use hob_cap::{Limit, LimitExceeded, StopReason};
use rustix::io::Errno as Sys;

/// The result of everything a guest asks of its [`World`](crate::World).
pub type Result<T> = std::result::Result<T, OsError>;

/// How a call a guest made did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OsError {
    /// An ordinary error the guest may handle.
    #[error("{0}")]
    Errno(Errno),
    /// The guest is being ended; the call was interrupted and the guest must not run on.
    #[error("stopped: {0:?}")]
    Stopped(StopReason),
    /// The call would have passed one of the guest's limits.
    #[error(transparent)]
    Limit(LimitExceeded),
}

impl OsError {
    /// The nearest ordinary error, for a contract that hands limits to the guest as errors:
    /// open files are `Mfile`, output and the disk are `Nospc`, processes are `Again`, any other limit is `Nomem`, a stop
    /// is `Intr`.
    #[must_use]
    pub fn errno(&self) -> Errno {
        match self {
            Self::Errno(errno) => *errno,
            Self::Stopped(_) => Errno::Intr,
            Self::Limit(limit) => match limit.limit {
                Limit::OpenFiles => Errno::Mfile,
                Limit::Output | Limit::Disk | Limit::DiskFiles => Errno::Nospc,
                Limit::Processes => Errno::Again,
                _ => Errno::Nomem,
            },
        }
    }
}

impl From<Errno> for OsError {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<LimitExceeded> for OsError {
    fn from(limit: LimitExceeded) -> Self {
        Self::Limit(limit)
    }
}

impl From<Sys> for OsError {
    fn from(errno: Sys) -> Self {
        Self::Errno(errno.into())
    }
}

impl From<std::io::Error> for OsError {
    fn from(error: std::io::Error) -> Self {
        Self::Errno(Sys::from_io_error(&error).map_or(Errno::Io, Errno::from))
    }
}

macro_rules! errnos {
    ($($name:ident $text:literal $($sys:ident)?,)*) => {
        /// The POSIX errors by name, plus [`Errno::NotCapable`] for a right a descriptor lacks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
        pub enum Errno {
            $(#[doc = concat!("`", stringify!($name), "`: ", $text, ".")] #[error($text)] $name,)*
        }

        impl Errno {
            /// Every error there is, for tables that must name each of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }

        impl From<Sys> for Errno {
            fn from(errno: Sys) -> Self {
                // Not a `match`: some of the system's names share a number on some targets.
                $($(if errno == Sys::$sys { return Self::$name; })?)*
                Self::Io
            }
        }
    };
}

errnos! {
    TooBig "argument list too long" TOOBIG,
    Acces "permission denied by the host's file system" ACCESS,
    AddrInUse "address in use" ADDRINUSE,
    AddrNotAvail "address not available" ADDRNOTAVAIL,
    AfNoSupport "address family not supported" AFNOSUPPORT,
    Again "resource unavailable, or the operation would block" AGAIN,
    Already "connection already in progress" ALREADY,
    Badf "bad file descriptor" BADF,
    BadMsg "bad message" BADMSG,
    Busy "device or resource busy" BUSY,
    Canceled "operation canceled" CANCELED,
    Child "no child processes" CHILD,
    ConnAborted "connection aborted" CONNABORTED,
    ConnRefused "connection refused" CONNREFUSED,
    ConnReset "connection reset" CONNRESET,
    Deadlk "resource deadlock would occur" DEADLK,
    DestAddrReq "destination address required" DESTADDRREQ,
    Dom "argument outside the domain of the function" DOM,
    Dquot "quota exceeded" DQUOT,
    Exist "file exists" EXIST,
    Fault "bad address" FAULT,
    Fbig "file too large" FBIG,
    HostUnreach "host is unreachable" HOSTUNREACH,
    Idrm "identifier removed" IDRM,
    Ilseq "illegal byte sequence" ILSEQ,
    InProgress "operation in progress" INPROGRESS,
    Intr "interrupted function" INTR,
    Inval "invalid argument" INVAL,
    Io "input or output error" IO,
    IsConn "socket is connected" ISCONN,
    IsDir "is a directory" ISDIR,
    Loop "too many levels of symbolic links" LOOP,
    Mfile "too many open descriptors" MFILE,
    Mlink "too many links" MLINK,
    MsgSize "message too large" MSGSIZE,
    Multihop "multihop attempted" MULTIHOP,
    NameTooLong "file name too long" NAMETOOLONG,
    NetDown "network is down" NETDOWN,
    NetReset "connection aborted by network" NETRESET,
    NetUnreach "network unreachable" NETUNREACH,
    Nfile "too many files open in the system" NFILE,
    Nobufs "no buffer space available" NOBUFS,
    Nodev "no such device" NODEV,
    Noent "no such file or directory" NOENT,
    Noexec "executable file format error" NOEXEC,
    Nolck "no locks available" NOLCK,
    Nolink "link has been severed" NOLINK,
    Nomem "not enough space" NOMEM,
    Nomsg "no message of the desired type" NOMSG,
    NoProtoOpt "protocol not available" NOPROTOOPT,
    Nospc "no space left on device" NOSPC,
    Nosys "function not supported" NOSYS,
    NotConn "the socket is not connected" NOTCONN,
    NotDir "not a directory, or a symbolic link to one" NOTDIR,
    NotEmpty "directory not empty" NOTEMPTY,
    NotRecoverable "state not recoverable" NOTRECOVERABLE,
    NotSock "not a socket" NOTSOCK,
    NotSup "not supported, or operation not supported on socket" OPNOTSUPP,
    NotTy "inappropriate operation for a device" NOTTY,
    Nxio "no such device or address" NXIO,
    Overflow "value too large to be stored" OVERFLOW,
    OwnerDead "previous owner died" OWNERDEAD,
    Perm "operation not permitted by any grant" PERM,
    Pipe "broken pipe" PIPE,
    Proto "protocol error" PROTO,
    ProtoNoSupport "protocol not supported" PROTONOSUPPORT,
    ProtoType "protocol wrong type for socket" PROTOTYPE,
    Range "result too large" RANGE,
    Rofs "read-only file system" ROFS,
    Spipe "invalid seek" SPIPE,
    Srch "no such process" SRCH,
    Stale "stale file handle" STALE,
    TimedOut "connection timed out" TIMEDOUT,
    TxtBsy "text file busy" TXTBSY,
    Xdev "cross-device link" XDEV,
    NoData "no data available" NODATA,
    NotCapable "the descriptor lacks the right this needs",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_errors_keep_their_meaning() {
        for (sys, errno) in [
            (Sys::NOENT, Errno::Noent),
            (Sys::LOOP, Errno::Loop),
            (Sys::NOTEMPTY, Errno::NotEmpty),
            (Sys::NOTSUP, Errno::NotSup),
            (Sys::WOULDBLOCK, Errno::Again),
            (Sys::MFILE, Errno::Mfile),
        ] {
            assert_eq!(Errno::from(sys), errno);
        }
    }

    #[test]
    fn an_error_without_a_name_is_an_io_error() {
        assert_eq!(Errno::from(Sys::XFULL), Errno::Io);
        assert_eq!(OsError::from(std::io::Error::other("x")), OsError::Errno(Errno::Io));
    }

    #[test]
    fn every_error_is_listed_once() {
        let mut names: Vec<_> = Errno::ALL.iter().map(|errno| format!("{errno:?}")).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), Errno::ALL.len());
        assert_eq!(Errno::ALL.len(), 77);
    }
}

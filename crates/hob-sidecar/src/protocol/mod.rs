//! What goes over the wire: the frames of the protocol `agent-os-sidecar`, version 1, with its tags and the order of its
//! fields.
//!
//! Requests that this sidecar does not answer are known by their tag alone; what they say is left unread.

mod types;

use crate::bare::{self, Malformed, Reader, Wire, put_uint};

pub use types::*;

/// The protocol's name, in every frame.
pub const NAME: &str = "agent-os-sidecar";

/// The protocol's version, in every frame.
pub const VERSION: u16 = 1;

/// The version of the contract beyond the frames, which a client names when it authenticates.
pub const BRIDGE_VERSION: u32 = 1;

/// Who asks what: what a request begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which protocol the client speaks.
    pub schema: Schema,
    /// What the answer is to carry.
    pub request_id: i64,
    /// On whose behalf.
    pub ownership: Ownership,
}

macro_rules! requests {
    ($($name:ident($type:ty) = $tag:literal,)*) => {
        /// What is asked.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the protocol's own names")]
        pub enum Request {
            $($name($type),)*
            /// Something the protocol has and this sidecar does not; by its tag.
            Other(u64),
        }

        impl Wire for Request {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$name(value) => {
                        put_uint($tag, out);
                        value.put(out);
                    })*
                    Self::Other(tag) => put_uint(*tag, out),
                }
            }

            fn take(from: &mut Reader<'_>) -> bare::Result<Self> {
                match from.uint()? {
                    $($tag => <$type>::take(from).map(Self::$name),)*
                    tag if usize::try_from(tag).is_ok_and(|tag| NAMES.get(tag.wrapping_sub(1)).is_some()) => {
                        from.leave();
                        Ok(Self::Other(tag))
                    }
                    _ => Err(Malformed::Tag("request")),
                }
            }
        }

        #[cfg(test)]
        impl crate::sample::Sample for Request {
            fn sample(dice: &mut crate::sample::Dice) -> Self {
                let all: &[fn(&mut crate::sample::Dice) -> Self] =
                    &[$(|dice| Self::$name(crate::sample::Sample::sample(dice)),)*];
                all[dice.below(all.len())](dice)
            }
        }
    };
}

requests! {
    Authenticate(Authenticate) = 1,
    OpenSession(OpenSession) = 2,
    CreateVm(CreateVm) = 3,
    DisposeVm(DisposeVm) = 8,
    Bootstrap(Bootstrap) = 9,
    ConfigureVm(ConfigureVm) = 10,
    File(FileCall) = 17,
    SnapshotRoot(Nothing) = 18,
    Execute(Execute) = 19,
    WriteStdin(WriteStdin) = 20,
    CloseStdin(OneProcess) = 21,
    Kill(Kill) = 22,
    Processes(Nothing) = 23,
}

/// Every request of the protocol, by its tag less one.
const NAMES: [&str; 32] = [
    "Authenticate",
    "OpenSession",
    "CreateVm",
    "CreateSession",
    "Session",
    "GetSessionState",
    "CloseAgentSession",
    "DisposeVm",
    "BootstrapRootFilesystem",
    "ConfigureVm",
    "RegisterToolkit",
    "CreateLayer",
    "SealLayer",
    "ImportSnapshot",
    "ExportSnapshot",
    "CreateOverlay",
    "GuestFilesystemCall",
    "SnapshotRootFilesystem",
    "Execute",
    "WriteStdin",
    "CloseStdin",
    "KillProcess",
    "GetProcessSnapshot",
    "FindListener",
    "FindBoundUdp",
    "GetSignalState",
    "GetZombieTimerCount",
    "HostFilesystemCall",
    "Permission",
    "PersistenceLoad",
    "PersistenceFlush",
    "VmFetch",
];

/// Requests that only a sidecar may make.
pub const TO_HOST: std::ops::RangeInclusive<u64> = 28..=31;

/// What a request is called.
#[must_use]
pub fn name(tag: u64) -> &'static str {
    usize::try_from(tag).ok().and_then(|tag| NAMES.get(tag.checked_sub(1)?)).copied().unwrap_or("?")
}

/// A frame from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// It asks; what it asks may be malformed though it is known who asks.
    Request(Box<(Header, Result<Request, Malformed>)>),
    /// It answers a question that was never put.
    Answer,
}

impl Incoming {
    /// Reads a frame.
    ///
    /// # Errors
    ///
    /// It is no frame of a client, or does not say who asks.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        match reader.uint()? {
            1 => {}
            5 => return Ok(Self::Answer),
            _ => return Err(Malformed::Tag("frame")),
        }
        let header = Header {
            schema: Wire::take(&mut reader)?,
            request_id: Wire::take(&mut reader)?,
            ownership: Wire::take(&mut reader)?,
        };
        let request = Request::take(&mut reader).and_then(|request| reader.end().map(|()| request));
        Ok(Self::Request(Box::new((header, request))))
    }

    /// The frame of a request, for clients.
    #[must_use]
    pub fn request(header: &Header, request: &Request) -> Vec<u8> {
        let mut out = Vec::new();
        put_uint(1, &mut out);
        header.schema.put(&mut out);
        header.request_id.put(&mut out);
        header.ownership.put(&mut out);
        request.put(&mut out);
        out
    }
}

/// A frame to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// An answer.
    Response(ResponseFrame),
    /// Something happened.
    Event(EventFrame),
}

impl Outgoing {
    /// An answer.
    #[must_use]
    pub fn response(request_id: i64, ownership: Ownership, payload: Response) -> Self {
        Self::Response(ResponseFrame { schema: Schema::own(), request_id, ownership, payload })
    }

    /// Something that happened.
    #[must_use]
    pub fn event(ownership: Ownership, payload: Event) -> Self {
        Self::Event(EventFrame { schema: Schema::own(), ownership, payload })
    }

    /// Its bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Response(frame) => {
                put_uint(2, &mut out);
                frame.put(&mut out);
            }
            Self::Event(frame) => {
                put_uint(3, &mut out);
                frame.put(&mut out);
            }
        }
        out
    }

    /// Reads a frame, for clients.
    ///
    /// # Errors
    ///
    /// It is no frame of a sidecar.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let frame = match reader.uint()? {
            2 => Self::Response(Wire::take(&mut reader)?),
            3 => Self::Event(Wire::take(&mut reader)?),
            _ => return Err(Malformed::Tag("frame")),
        };
        reader.end()?;
        Ok(frame)
    }
}

impl Schema {
    /// The protocol spoken here.
    #[must_use]
    pub fn own() -> Self {
        Self { name: NAME.into(), version: VERSION }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::{Dice, Sample};

    fn request(seed: u64) -> (Header, Request, Vec<u8>) {
        let mut dice = Dice::new(seed);
        let header = Header {
            schema: Sample::sample(&mut dice),
            request_id: Sample::sample(&mut dice),
            ownership: Sample::sample(&mut dice),
        };
        let request = Request::sample(&mut dice);
        let bytes = Incoming::request(&header, &request);
        (header, request, bytes)
    }

    fn frame(seed: u64) -> Outgoing {
        let mut dice = Dice::new(seed);
        if dice.below(2) == 0 {
            Outgoing::Response(Sample::sample(&mut dice))
        } else {
            Outgoing::Event(Sample::sample(&mut dice))
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seed: u64) {
            let (header, request, bytes) = request(seed);
            prop_assert_eq!(Incoming::read(&bytes), Ok(Incoming::Request(Box::new((header, Ok(request))))));
            let frame = frame(seed);
            prop_assert_eq!(Outgoing::read(&frame.write()), Ok(frame));
        }

        #[test]
        fn a_part_of_a_frame_is_none(seed: u64, cut: prop::sample::Index) {
            let (_, _, bytes) = request(seed);
            let part = &bytes[..cut.index(bytes.len())];
            let refused = match Incoming::read(part) {
                Ok(Incoming::Request(asked)) => asked.1.is_err(),
                Ok(Incoming::Answer) => false,
                Err(_) => true,
            };
            prop_assert!(refused);
            let bytes = frame(seed).write();
            prop_assert!(Outgoing::read(&bytes[..cut.index(bytes.len())]).is_err());
        }

        #[test]
        fn whatever_is_read_is_written_the_same(seed: u64, at: prop::sample::Index, bit in 0..8u32) {
            let (_, _, mut bytes) = request(seed);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(Incoming::Request(asked)) = Incoming::read(&bytes)
                && let (header, Ok(request)) = *asked
                && !matches!(request, Request::Other(_))
            {
                prop_assert_eq!(Incoming::request(&header, &request), bytes);
            }
        }

        #[test]
        fn no_bytes_do_harm(bytes: Vec<u8>) {
            let _ = Incoming::read(&bytes);
            let _ = Outgoing::read(&bytes);
        }
    }

    #[test]
    fn frames_have_the_bytes_that_clients_send() {
        let header = Header {
            schema: Schema::own(),
            request_id: 7,
            ownership: Ownership::Connection(Connection { connection_id: "c".into() }),
        };
        let request = Request::Authenticate(Authenticate {
            client_name: "n".into(),
            auth_token: "t".into(),
            bridge_version: 1,
        });
        let mut bytes = vec![1, 16];
        bytes.extend_from_slice(b"agent-os-sidecar\x01\0");
        bytes.extend_from_slice(&[7, 0, 0, 0, 0, 0, 0, 0, 1, 1, b'c', 1, 1, b'n', 1, b't', 1, 0, 0, 0]);
        assert_eq!(Incoming::request(&header, &request), bytes);
    }

    #[test]
    fn requests_that_are_not_answered_are_known_by_name() {
        assert_eq!((name(4), name(32), name(0), name(33)), ("CreateSession", "VmFetch", "?", "?"));
        let take = |bytes: &[u8]| Request::take(&mut Reader::new(bytes));
        assert_eq!(take(&[4, 9, 9]), Ok(Request::Other(4)));
        assert_eq!(take(&[33]), Err(Malformed::Tag("request")));
        assert_eq!(take(&[0]), Err(Malformed::Tag("request")));
    }
}

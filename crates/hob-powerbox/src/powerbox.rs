//! The powerbox as the program has it: what it gives, and what it takes back.

use std::sync::Arc;

use hob_cap::{ClockGrant, FsGrant, Gift, Ledger, NetGrant, RandomGrant};
use hob_os::{Sink, Source};
use hob_vat::{Peer, Problem, Ref};

use crate::builder::PowerboxBuilder;
use crate::clock::Clock;
use crate::console::Console;
use crate::desk::Desk;
use crate::directory::{Directory, Root};
use crate::entropy::Entropy;
use crate::outbound::Outbound;
use crate::paths::Volume;

/// Makes references to what a machine has, and takes them back. When it is dropped all of them end, and who waits for an answer is
/// told so (`closed`).
///
/// ```
/// use std::time::Duration;
/// use hob_cap::FsGrant;
/// use hob_powerbox::Powerbox;
/// use hob_vat::{Peer, Value};
///
/// # let folder = tempfile::tempdir().map_err(|error| hob_vat::Problem::refused(error.to_string()))?;
/// # let path = folder.path().display();
/// let peer = Peer::builder().build()?;
/// let vat = peer.vat("main")?;
/// let powerbox = Powerbox::open(&peer)?;
/// let grant = FsGrant::parse(&format!("{path}::/:rw")).map_err(|error| hob_vat::Problem::refused(error.to_string()))?;
/// let notes = powerbox.directory(&grant)?;
///
/// let soon = Duration::from_secs(10);
/// vat.ask(notes, [Value::symbol("write"), "a.txt".into(), "hello".into()], soon)?;
/// assert_eq!(vat.ask(notes, [Value::symbol("text"), "a.txt".into()], soon)?, "hello".into());
/// assert!(powerbox.revoke(notes));
/// let refused = vat.ask(notes, [Value::symbol("list")], soon).unwrap_err();
/// assert_eq!(refused.rule_name(), Some("revoked"));
/// # Ok::<(), hob_vat::Problem>(())
/// ```
pub struct Powerbox {
    desk: Arc<Desk>,
}

impl Powerbox {
    pub(crate) fn new(desk: Arc<Desk>) -> Self {
        Self { desk }
    }

    /// A powerbox with default limits that records nothing.
    ///
    /// ```
    /// let peer = hob_vat::Peer::builder().build()?;
    /// let powerbox = hob_powerbox::Powerbox::open(&peer)?;
    /// # drop(powerbox);
    /// # Ok::<(), hob_vat::Problem>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Peer::connect`].
    pub fn open(peer: &Peer) -> Result<Self, Problem> {
        Self::builder().open(peer)
    }

    /// A powerbox to be.
    ///
    /// ```
    /// let peer = hob_vat::Peer::builder().build()?;
    /// assert!(hob_powerbox::Powerbox::builder().open(&peer).is_ok());
    /// # Ok::<(), hob_vat::Problem>(())
    /// ```
    pub fn builder() -> PowerboxBuilder {
        PowerboxBuilder::default()
    }

    /// What a gift says, a console being the streams of this process.
    ///
    /// ```
    /// use hob_cap::Gift;
    ///
    /// let peer = hob_vat::Peer::builder().build()?;
    /// let powerbox = hob_powerbox::Powerbox::open(&peer)?;
    /// let clock = powerbox.give(&Gift::parse("clock:virtual").unwrap())?;
    /// assert!(clock.vat().is_session());
    /// # Ok::<(), hob_vat::Problem>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the method for that kind of gift.
    pub fn give(&self, gift: &Gift) -> Result<Ref, Problem> {
        match gift {
            Gift::Directory(grant) => self.directory(grant),
            Gift::Clock(grant) => self.clock(*grant),
            Gift::Random(grant) => self.entropy(*grant),
            Gift::Console => self.console(Source::Host, Sink::Host, Sink::Host),
            Gift::Net(grant) => self.outbound(std::slice::from_ref(grant)),
        }
    }

    /// A directory. Where a guest would see it does not matter.
    ///
    /// ```
    /// let peer = hob_vat::Peer::builder().build()?;
    /// let powerbox = hob_powerbox::Powerbox::open(&peer)?;
    /// let grant = hob_cap::FsGrant::parse("src::/:ro").unwrap();
    /// assert!(powerbox.directory(&grant).is_ok());
    /// # Ok::<(), hob_vat::Problem>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `not-found`: it cannot be opened; `limit`: objects, open-files.
    pub fn directory(&self, grant: &FsGrant) -> Result<Ref, Problem> {
        let folder = Volume::open(&self.desk, grant)?;
        self.desk.give(Arc::new(Directory(Arc::new(folder), Root::Given)))
    }

    /// A clock of the given strength.
    ///
    /// ```
    /// let peer = hob_vat::Peer::builder().build()?;
    /// let powerbox = hob_powerbox::Powerbox::open(&peer)?;
    /// assert!(powerbox.clock(hob_cap::ClockGrant::Coarse).is_ok());
    /// # Ok::<(), hob_vat::Problem>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `limit`: objects.
    pub fn clock(&self, grant: ClockGrant) -> Result<Ref, Problem> {
        self.desk.give(Arc::new(Clock::new(&self.desk, grant)?))
    }

    /// Randomness of the given kind.
    ///
    /// ```
    /// let peer = hob_vat::Peer::builder().build()?;
    /// let powerbox = hob_powerbox::Powerbox::open(&peer)?;
    /// assert!(powerbox.entropy(hob_cap::RandomGrant::Seeded(7)).is_ok());
    /// # Ok::<(), hob_vat::Problem>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `limit`: objects.
    pub fn entropy(&self, grant: RandomGrant) -> Result<Ref, Problem> {
        self.desk.give(Arc::new(Entropy::new(&self.desk, grant)?))
    }

    /// A console: where lines come from, where text goes, where complaints go. A function that is a sink must not take this console
    /// back.
    ///
    /// ```
    /// use hob_os::{SharedBuffer, Sink, Source};
    ///
    /// let peer = hob_vat::Peer::builder().build()?;
    /// let powerbox = hob_powerbox::Powerbox::open(&peer)?;
    /// let shown = SharedBuffer::default();
    /// let console = powerbox.console(Source::Bytes(b"a line\n".to_vec()), Sink::Buffer(shown.clone()), Sink::Discard)?;
    /// # let _ = console;
    /// # Ok::<(), hob_vat::Problem>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `limit`: objects, open-files; `failed`: a stream cannot be used.
    pub fn console(&self, source: Source, output: Sink, complaints: Sink) -> Result<Ref, Problem> {
        self.desk.give(Arc::new(Console::new(&self.desk, source, output, complaints)?))
    }

    /// Requests to what these grants name.
    ///
    /// ```
    /// let peer = hob_vat::Peer::builder().build()?;
    /// let powerbox = hob_powerbox::Powerbox::open(&peer)?;
    /// let grant = hob_cap::NetGrant::parse("[GET] https://*.example.com").unwrap();
    /// assert!(powerbox.outbound(&[grant]).is_ok());
    /// # Ok::<(), hob_vat::Problem>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `not-permitted`: a grant is of connections; `limit`: objects.
    pub fn outbound(&self, grants: &[NetGrant]) -> Result<Ref, Problem> {
        self.desk.give(Arc::new(Outbound::new(&self.desk, grants.to_vec())?))
    }

    /// Takes an object back, with all that was narrowed from it. Who waits for an answer of one of them is told so (`revoked`), and so
    /// is whoever asks later. When this returns nothing more happens through it in a file system; a request that was on its way is cut
    /// off, and may have arrived; of text for a console at most one piece that was on its way, of up to 4 KiB, goes out. False when there
    /// is no such object, or not any more.
    ///
    /// ```
    /// let peer = hob_vat::Peer::builder().build()?;
    /// let powerbox = hob_powerbox::Powerbox::open(&peer)?;
    /// let clock = powerbox.clock(hob_cap::ClockGrant::Real)?;
    /// assert!(powerbox.revoke(clock) && !powerbox.revoke(clock));
    /// # Ok::<(), hob_vat::Problem>(())
    /// ```
    pub fn revoke(&self, object: Ref) -> bool {
        self.desk.revoke_reference(object)
    }

    /// How many messages it has taken, each once whatever came of it; None while one of them is not answered. When it says the same
    /// before and after nobody else had anything to do, nothing happens any more by itself.
    ///
    /// ```
    /// let peer = hob_vat::Peer::builder().build()?;
    /// assert_eq!(hob_powerbox::Powerbox::open(&peer)?.answered(), Some(0));
    /// # Ok::<(), hob_vat::Problem>(())
    /// ```
    #[must_use]
    pub fn answered(&self) -> Option<u64> {
        self.desk.answered()
    }

    /// What it uses of its limits.
    ///
    /// ```
    /// use hob_cap::{ClockGrant, Limit};
    ///
    /// let peer = hob_vat::Peer::builder().build()?;
    /// let powerbox = hob_powerbox::Powerbox::open(&peer)?;
    /// powerbox.clock(ClockGrant::Real)?;
    /// assert_eq!(powerbox.ledger().used(Limit::Handles), 1);
    /// # Ok::<(), hob_vat::Problem>(())
    /// ```
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.desk.ledger
    }
}

impl Drop for Powerbox {
    fn drop(&mut self) {
        self.desk.close();
    }
}

impl std::fmt::Debug for Powerbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Powerbox").field("answered", &self.answered()).finish_non_exhaustive()
    }
}

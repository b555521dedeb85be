//! References: what a capability is in a vat.
//!
//! A reference says which vat, which slot, and which birth: births of a vat are counted and never used twice, so that a
//! reference to something that is gone never reaches what came into its place. Nobody outside this crate makes one: it is
//! got by spawning, by being told, or from what one was made with.

use std::fmt;

/// The number of a vat within its peer. Sessions to other machines have numbers too, from [`VatId::FIRST_SESSION`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VatId(u32);

impl VatId {
    /// The first number that stands for a session.
    pub const FIRST_SESSION: u32 = 1 << 31;

    /// The first number of a vat that ends with its process.
    pub(crate) const FIRST_VOLATILE: u32 = 1 << 30;

    /// The program that a peer is part of.
    pub(crate) const PROGRAM: Self = Self(Self::FIRST_SESSION - 1);

    pub(crate) fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }

    /// Whether it is a vat that outlives its process, if its peer has a store.
    pub(crate) fn is_durable(self) -> bool {
        self.0 < Self::FIRST_VOLATILE
    }

    /// Whether it stands for a session to another machine.
    #[must_use]
    pub fn is_session(self) -> bool {
        self.0 >= Self::FIRST_SESSION
    }
}

impl fmt::Display for VatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_session() {
            write!(f, "session {}", self.0 - Self::FIRST_SESSION)
        } else {
            write!(f, "vat {}", self.0)
        }
    }
}

/// The right to send to something, and to call it when it is near.
///
/// ```
/// use hob_vat::{Actormap, Value, library::CELL};
///
/// let mut map = Actormap::new();
/// let cell = map.poke(|turn| turn.spawn(&CELL, 1.into()))?;
/// assert!(!cell.is_promise());
/// # Ok::<(), hob_vat::Problem>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ref {
    vat: u32,
    index: u32,
    /// The facet in the two highest bits, the birth in the others.
    birth: u64,
}

/// What of a slot a reference refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Facet {
    Object,
    Promise,
    /// The right to resolve a promise.
    Resolver,
    /// What a promise that was resolved to another one gives that other one, to be told of what comes of it.
    Follower,
}

const FACET_SHIFT: u32 = 62;
const BIRTH_MASK: u64 = (1 << FACET_SHIFT) - 1;

impl Ref {
    pub(crate) fn new(vat: VatId, index: u32, birth: u64, facet: Facet) -> Self {
        let facet = match facet {
            Facet::Object => 0,
            Facet::Promise => 1,
            Facet::Resolver => 2,
            Facet::Follower => 3_u64,
        };
        Self { vat: vat.0, index, birth: birth & BIRTH_MASK | facet << FACET_SHIFT }
    }

    /// The vat it lives in, or the session behind which it does.
    #[must_use]
    pub fn vat(self) -> VatId {
        VatId(self.vat)
    }

    /// Whether it refers to a promise: to what somebody still has to say.
    #[must_use]
    pub fn is_promise(self) -> bool {
        self.facet() == Facet::Promise
    }

    /// Which place of which vat it is about: a promise and the right to resolve it have the same. It is no reference, and makes none;
    /// a session tells by it to which answer a message goes that was sent ahead.
    #[must_use]
    pub fn place(self) -> (VatId, u32, u64) {
        (self.vat(), self.index, self.birth())
    }

    pub(crate) fn index(self) -> u32 {
        self.index
    }

    pub(crate) fn birth(self) -> u64 {
        self.birth & BIRTH_MASK
    }

    /// The same bytes for the same reference.
    pub(crate) fn image(self) -> [u8; 16] {
        let words = u128::from(self.vat) << 96 | u128::from(self.index) << 64 | u128::from(self.birth);
        words.to_le_bytes()
    }

    pub(crate) fn facet(self) -> Facet {
        match self.birth >> FACET_SHIFT {
            0 => Facet::Object,
            1 => Facet::Promise,
            2 => Facet::Resolver,
            _ => Facet::Follower,
        }
    }

    /// What a store keeps of it.
    pub(crate) fn parts(self) -> (u32, u32, u64) {
        (self.vat, self.index, self.birth)
    }

    pub(crate) fn from_parts(vat: u32, index: u32, birth: u64) -> Self {
        Self { vat, index, birth }
    }

    pub(crate) fn with_facet(self, facet: Facet) -> Self {
        Self::new(self.vat(), self.index, self.birth, facet)
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.facet() {
            Facet::Object => "object",
            Facet::Promise => "promise",
            Facet::Resolver => "resolver",
            Facet::Follower => "follower",
        };
        write!(f, "<{what} {} of {}>", self.birth(), self.vat())
    }
}

impl fmt::Debug for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

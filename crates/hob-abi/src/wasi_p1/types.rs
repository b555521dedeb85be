//! Layouts and flag values of WASI preview 1, read from and written to guest memory. Source: the preview 1 witx.

use hob_engine::Memory;
use hob_os::{
    Advice, ClockId, Errno, Event, EventKind, FdFlags, FdStat, FileStat, FileType, Interest, RecvFlags,
    SetTime, Subscription, Whence,
};

use super::errno::{Result, number};

pub(crate) fn put_u16(mem: &mut Memory<'_>, at: u32, value: u16) -> Result<()> {
    Ok(mem.write(at, &value.to_le_bytes())?)
}

pub(crate) fn put_u32(mem: &mut Memory<'_>, at: u32, value: u32) -> Result<()> {
    Ok(mem.write(at, &value.to_le_bytes())?)
}

pub(crate) fn put_u64(mem: &mut Memory<'_>, at: u32, value: u64) -> Result<()> {
    Ok(mem.write(at, &value.to_le_bytes())?)
}

/// A length as the 32 bits the guest expects.
pub(crate) fn size(bytes: usize) -> Result<u32> {
    u32::try_from(bytes).map_err(|_| Errno::Overflow.into())
}

pub(crate) fn filetype(kind: FileType) -> u8 {
    match kind {
        FileType::Unknown => 0,
        FileType::BlockDevice => 1,
        FileType::CharacterDevice => 2,
        FileType::Directory => 3,
        FileType::RegularFile => 4,
        FileType::SocketDgram => 5,
        FileType::SocketStream => 6,
        FileType::SymbolicLink => 7,
    }
}

pub(crate) fn clock(id: u32) -> Result<ClockId> {
    match id {
        0 => Ok(ClockId::Realtime),
        1 => Ok(ClockId::Monotonic),
        // Processor time of a process or thread is not a clock of this world.
        _ => Err(Errno::Inval.into()),
    }
}

/// The flags of a descriptor, of those that are `known`.
pub(crate) fn fdflags(bits: u32, known: u32) -> Result<FdFlags> {
    if bits & !known != 0 {
        return Err(Errno::Inval.into());
    }
    Ok(FdFlags {
        append: bits & 1 != 0,
        dsync: bits & 2 != 0,
        nonblock: bits & 4 != 0,
        rsync: bits & 8 != 0,
        sync: bits & 16 != 0,
        direct: bits & 32 != 0,
    })
}

/// Whether a symbolic link at the end of a path is followed.
pub(crate) fn follow(bits: u32) -> Result<bool> {
    if bits & !1 != 0 {
        return Err(Errno::Inval.into());
    }
    Ok(bits & 1 != 0)
}

pub(crate) fn whence(number: u32) -> Result<Whence> {
    match number {
        0 => Ok(Whence::Start),
        1 => Ok(Whence::Current),
        2 => Ok(Whence::End),
        _ => Err(Errno::Inval.into()),
    }
}

pub(crate) fn advice(number: u32) -> Result<Advice> {
    Ok(match number {
        0 => Advice::Normal,
        1 => Advice::Sequential,
        2 => Advice::Random,
        3 => Advice::WillNeed,
        4 => Advice::DontNeed,
        5 => Advice::NoReuse,
        _ => return Err(Errno::Inval.into()),
    })
}

/// What to do with the access and modification time.
pub(crate) fn times(accessed: u64, modified: u64, bits: u32) -> Result<(SetTime, SetTime)> {
    if bits & !0xf != 0 {
        return Err(Errno::Inval.into());
    }
    let one = |at: u64, set: bool, now: bool| match (set, now) {
        (true, true) => Err(Errno::Inval),
        (true, false) => Ok(SetTime::At(at)),
        (false, true) => Ok(SetTime::Now),
        (false, false) => Ok(SetTime::Keep),
    };
    Ok((one(accessed, bits & 1 != 0, bits & 2 != 0)?, one(modified, bits & 4 != 0, bits & 8 != 0)?))
}

pub(crate) fn recv_flags(bits: u32) -> Result<RecvFlags> {
    if bits & !3 != 0 {
        return Err(Errno::Inval.into());
    }
    Ok(RecvFlags { peek: bits & 1 != 0, wait_all: bits & 2 != 0 })
}

pub(crate) fn fdstat(stat: &FdStat) -> [u8; 24] {
    let flags = u16::from(stat.flags.append)
        | u16::from(stat.flags.dsync) << 1
        | u16::from(stat.flags.nonblock) << 2
        | u16::from(stat.flags.rsync) << 3
        | u16::from(stat.flags.sync) << 4
        | u16::from(stat.flags.direct) << 5;
    let mut out = Fields::<24>::default();
    out.put(0, &[filetype(stat.kind)]);
    out.put(2, &flags.to_le_bytes());
    out.put(8, &stat.rights.bits().to_le_bytes());
    out.put(16, &stat.inheriting.bits().to_le_bytes());
    out.0
}

pub(crate) fn filestat(stat: &FileStat) -> [u8; 64] {
    let mut out = Fields::<64>::default();
    out.put(0, &stat.device.to_le_bytes());
    out.put(8, &stat.inode.to_le_bytes());
    out.put(16, &[filetype(stat.kind)]);
    out.put(24, &stat.links.to_le_bytes());
    out.put(32, &stat.size.to_le_bytes());
    out.put(40, &stat.accessed.to_le_bytes());
    out.put(48, &stat.modified.to_le_bytes());
    out.put(56, &stat.changed.to_le_bytes());
    out.0
}

/// Bytes of one subscription and one event.
pub(crate) const SUBSCRIPTION_BYTES: u32 = 48;
pub(crate) const EVENT_BYTES: u32 = 32;

pub(crate) fn subscription(raw: &[u8; 48]) -> Result<Subscription> {
    let userdata = u64_at(raw, 0);
    let fd = u32_at(raw, 16);
    let what = match raw[8] {
        0 => {
            let flags = u16::from_le_bytes([raw[40], raw[41]]);
            if flags & !1 != 0 {
                return Err(Errno::Inval.into());
            }
            Interest::Clock { clock: clock(fd)?, timeout: u64_at(raw, 24), absolute: flags & 1 != 0 }
        }
        1 => Interest::Read(fd),
        2 => Interest::Write(fd),
        _ => return Err(Errno::Inval.into()),
    };
    Ok(Subscription { userdata, what })
}

pub(crate) fn event(event: &Event) -> [u8; 32] {
    let kind = match event.kind {
        EventKind::Clock => 0,
        EventKind::Read => 1,
        EventKind::Write => 2,
    };
    let errno = event.error.map_or(0, |errno| u16::try_from(number(errno)).unwrap_or(u16::MAX));
    let mut out = Fields::<32>::default();
    out.put(0, &event.userdata.to_le_bytes());
    out.put(8, &errno.to_le_bytes());
    out.put(10, &[kind]);
    out.put(16, &event.bytes.to_le_bytes());
    out.put(24, &u16::from(event.hangup).to_le_bytes());
    out.0
}

/// The head of a directory entry; the name follows it.
pub(crate) fn dirent(next: u64, inode: u64, kind: FileType, name: u32) -> [u8; 24] {
    let mut out = Fields::<24>::default();
    out.put(0, &next.to_le_bytes());
    out.put(8, &inode.to_le_bytes());
    out.put(16, &name.to_le_bytes());
    out.put(20, &[filetype(kind)]);
    out.0
}

/// A structure under construction; what no field covers is zero.
struct Fields<const N: usize>([u8; N]);

impl<const N: usize> Default for Fields<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Fields<N> {
    fn put(&mut self, at: usize, bytes: &[u8]) {
        for (to, from) in self.0.iter_mut().skip(at).zip(bytes) {
            *to = *from;
        }
    }
}

fn u32_at(raw: &[u8; 48], at: usize) -> u32 {
    let mut bytes = [0; 4];
    bytes.iter_mut().zip(raw.iter().skip(at)).for_each(|(to, from)| *to = *from);
    u32::from_le_bytes(bytes)
}

fn u64_at(raw: &[u8; 48], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(raw.iter().skip(at)).for_each(|(to, from)| *to = *from);
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use hob_os::Rights;

    use super::*;

    #[test]
    fn structures_have_their_fields_where_the_witx_puts_them() {
        let flags = FdFlags { append: true, sync: true, ..FdFlags::default() };
        let rights = Rights::from_bits(0x1122);
        let stat =
            fdstat(&FdStat { kind: FileType::RegularFile, flags, rights, inheriting: Rights::from_bits(3) });
        assert_eq!((stat[0], stat[2], stat[8], stat[9], stat[16]), (4, 17, 0x22, 0x11, 3));
        let entry = dirent(1, 2, FileType::Directory, 5);
        assert_eq!((entry[0], entry[8], entry[16], entry[20]), (1, 2, 5, 3));
    }

    #[test]
    fn unknown_bits_and_numbers_are_refused() {
        assert!(fdflags(0x1f, 0x1f).is_ok() && fdflags(0x20, 0x1f).is_err() && fdflags(0x20, 0x3f).is_ok());
        assert!(follow(1).is_ok() && follow(2).is_err());
        assert!(whence(2).is_ok() && whence(3).is_err());
        assert!(advice(5).is_ok() && advice(6).is_err());
        assert!(times(0, 0, 0b0101).is_ok() && times(0, 0, 0b0011).is_err() && times(0, 0, 16).is_err());
        assert!(clock(1).is_ok() && clock(2).is_err());
    }
}

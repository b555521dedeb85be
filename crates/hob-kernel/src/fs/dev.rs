//! Devices, and their numbers.

/// The number of a device, as Linux packs it: 12 bits of major, 20 of minor. What does not fit is cut off.
#[must_use]
pub const fn device_number(major: u32, minor: u32) -> u64 {
    ((major as u64) << 8 & 0xf_ff00) | (minor as u64 & 0xff) | ((minor as u64 & 0xf_ff00) << 12)
}

/// The major number of a device.
#[must_use]
pub fn major(device: u64) -> u32 {
    u32::try_from((device >> 8) & 0xfff).unwrap_or(0)
}

/// The minor number of a device.
#[must_use]
pub fn minor(device: u64) -> u32 {
    u32::try_from((device & 0xff) | ((device >> 12) & 0xf_ff00)).unwrap_or(0)
}

/// Nothing to read; writes vanish.
pub const NULL: u64 = device_number(1, 3);
/// Zeros without end.
pub const ZERO: u64 = device_number(1, 5);
/// Zeros to read; no room to write.
pub const FULL: u64 = device_number(1, 7);
/// Randomness, as granted.
pub const RANDOM: u64 = device_number(1, 8);
/// Randomness, as granted.
pub const URANDOM: u64 = device_number(1, 9);
/// The controlling terminal of whoever opens it.
pub const TTY: u64 = device_number(5, 0);
/// Opening it makes a new terminal.
pub const PTMX: u64 = device_number(5, 2);
/// The major number of the other ends of terminals; the minor one is the terminal's own.
pub const PTS_MAJOR: u32 = 136;

/// The device of the end of a terminal that programs use.
#[must_use]
pub const fn terminal(number: u32) -> u64 {
    device_number(PTS_MAJOR, number)
}

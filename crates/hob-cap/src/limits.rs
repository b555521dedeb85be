//! Every limit by name: its unit, its default, its maximum, and the flag that sets it.
//!
//! A limit that is not in [`Limit`] does not exist; `docs/limits.md` is checked against this file.

use std::fmt;
use std::time::Duration;

/// A named limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Limit {
    /// The sum of a guest's linear memories, tables (16 bytes an element) and host buffers.
    Memory,
    /// Elements of all tables together.
    TableElements,
    /// Bytes the host holds for a guest: captured output, directory listings, requests. Counts towards [`Limit::Memory`] too.
    HostBuffer,
    /// Bytes written to standard output and standard error together.
    Output,
    /// Lines written to the log.
    LogLines,
    /// Capability handles held at once.
    Handles,
    /// Descriptors open at once.
    OpenFiles,
    /// Processes alive at once.
    Processes,
    /// Bytes of files that a session keeps in memory, names and all.
    Disk,
    /// Files and directories that a session keeps in memory.
    DiskFiles,
    /// Instances alive at once in one pool.
    Instances,
    /// Units of fuel, each about one instruction.
    Fuel,
    /// Time from which waits end early.
    SoftDeadline,
    /// Time after which the guest is stopped.
    HardDeadline,
    /// Bytes of a request.
    Request,
    /// Bytes of a response.
    Response,
    /// Bytes of a module.
    ModuleSize,
    /// Functions a module defines.
    FunctionCount,
    /// Bytes of the largest function body.
    FunctionSize,
    /// Time to compile a module.
    CompileTime,
    /// Bytes of a record of a run.
    Record,
    /// Bytes of the body of an HTTP response, unpacked.
    HttpBody,
    /// Bytes of the headers of an HTTP request, and of its response.
    HttpHeaders,
    /// Redirects that are followed.
    HttpRedirects,
    /// Time an HTTP request may take, redirects and all.
    HttpTime,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Things.
    Count,
    /// Milliseconds.
    Milliseconds,
    /// Units of fuel.
    Fuel,
}

/// Row of the table of limits.
struct Row {
    name: &'static str,
    unit: Unit,
    default: Option<u64>,
    max: u64,
    flag: Option<&'static str>,
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

impl Limit {
    /// Every limit, in the order of the documentation.
    pub const ALL: [Self; 25] = [
        Self::Memory,
        Self::TableElements,
        Self::HostBuffer,
        Self::Output,
        Self::LogLines,
        Self::Handles,
        Self::OpenFiles,
        Self::Processes,
        Self::Disk,
        Self::DiskFiles,
        Self::Instances,
        Self::Fuel,
        Self::SoftDeadline,
        Self::HardDeadline,
        Self::Request,
        Self::Response,
        Self::ModuleSize,
        Self::FunctionCount,
        Self::FunctionSize,
        Self::CompileTime,
        Self::Record,
        Self::HttpBody,
        Self::HttpHeaders,
        Self::HttpRedirects,
        Self::HttpTime,
    ];

    fn row(self) -> Row {
        let row = |name, unit, default, max, flag| Row { name, unit, default, max, flag };
        match self {
            Self::Memory => row("memory", Unit::Bytes, Some(256 * MIB), 4 * GIB, Some("--memory")),
            Self::TableElements => row("table-elements", Unit::Count, Some(100_000), 10_000_000, None),
            Self::HostBuffer => row("host-buffer", Unit::Bytes, Some(64 * MIB), 4 * GIB, None),
            Self::Output => row("output", Unit::Bytes, Some(GIB), 1 << 50, Some("--max-output")),
            Self::LogLines => row("log-lines", Unit::Count, Some(10_000), 1 << 32, None),
            Self::Handles => row("handles", Unit::Count, Some(10_000), 1 << 24, None),
            Self::OpenFiles => row("open-files", Unit::Count, Some(1024), MIB, Some("--max-files")),
            Self::Processes => row("processes", Unit::Count, Some(64), 30_000, Some("--max-processes")),
            Self::Disk => row("disk", Unit::Bytes, Some(256 * MIB), 64 * GIB, Some("--disk")),
            Self::DiskFiles => row("disk-files", Unit::Count, Some(100_000), 1 << 32, None),
            Self::Instances => row("instances", Unit::Count, Some(256), 16 * KIB, None),
            Self::Fuel => row("fuel", Unit::Fuel, None, u64::MAX, Some("--fuel")),
            Self::SoftDeadline => row("soft-deadline", Unit::Milliseconds, None, DAY_MS, None),
            Self::HardDeadline => {
                row("hard-deadline", Unit::Milliseconds, Some(30_000), DAY_MS, Some("--timeout"))
            }
            Self::Request => row("request", Unit::Bytes, Some(4 * MIB), GIB, None),
            Self::Response => row("response", Unit::Bytes, Some(4 * MIB), GIB, None),
            Self::ModuleSize => row("module-size", Unit::Bytes, Some(64 * MIB), GIB, None),
            Self::FunctionCount => row("function-count", Unit::Count, Some(200_000), 1_000_000, None),
            Self::FunctionSize => row("function-size", Unit::Bytes, Some(4 * MIB), 7_654_321, None),
            Self::CompileTime => row("compile-time", Unit::Milliseconds, Some(120_000), DAY_MS, None),
            Self::HttpBody => row("http-body", Unit::Bytes, Some(16 * MIB), GIB, None),
            Self::HttpHeaders => row("http-headers", Unit::Bytes, Some(64 * KIB), MIB, None),
            Self::HttpRedirects => row("http-redirects", Unit::Count, Some(10), 100, None),
            Self::HttpTime => row("http-time", Unit::Milliseconds, Some(30_000), DAY_MS, None),
            Self::Record => row("record", Unit::Bytes, Some(256 * MIB), 4 * GIB, None),
        }
    }

    /// The name, as errors and documentation write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// What it counts.
    #[must_use]
    pub fn unit(self) -> Unit {
        self.row().unit
    }

    /// Its value when nobody sets it; `None` is unlimited.
    #[must_use]
    pub fn default_value(self) -> Option<u64> {
        self.row().default
    }

    /// The largest value it may be set to.
    #[must_use]
    pub fn max_value(self) -> u64 {
        self.row().max
    }

    /// The command-line flag that sets it.
    #[must_use]
    pub fn flag(self) -> Option<&'static str> {
        self.row().flag
    }

    /// An amount in this limit's unit, as a person writes it.
    #[must_use]
    pub fn amount(self, value: u64) -> String {
        match self.unit() {
            Unit::Bytes => format_bytes(value),
            Unit::Count => value.to_string(),
            Unit::Milliseconds => format!("{value}ms"),
            Unit::Fuel => format!("{value} units"),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The limits of one guest. `None` is unlimited, where a limit may be that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memories, tables and host buffers together.
    pub memory_bytes: u64,
    /// Elements of all tables together.
    pub table_elements: u64,
    /// Bytes the host holds for the guest.
    pub host_buffer_bytes: u64,
    /// Bytes written to standard output and standard error together.
    pub output_bytes: u64,
    /// Lines written to the log.
    pub log_lines: u64,
    /// Capability handles held at once.
    pub handles: u64,
    /// Descriptors open at once.
    pub open_files: u64,
    /// Processes alive at once.
    pub processes: u64,
    /// Bytes of files that a session keeps in memory.
    pub disk_bytes: u64,
    /// Files and directories that a session keeps in memory.
    pub disk_files: u64,
    /// Units of fuel for the life of the guest.
    pub fuel: Option<u64>,
    /// From when on waits end early, counted from the start of a call.
    pub soft_deadline: Option<Duration>,
    /// When the guest is stopped, counted from the start of a call.
    pub hard_deadline: Option<Duration>,
    /// Bytes of a request.
    pub request_bytes: u64,
    /// Bytes of a response.
    pub response_bytes: u64,
    /// Bytes of the body of an HTTP response, unpacked.
    pub http_body_bytes: u64,
    /// Bytes of the headers of an HTTP request, and of its response.
    pub http_header_bytes: u64,
    /// Redirects that are followed.
    pub http_redirects: u64,
    /// Time an HTTP request may take, redirects and all.
    pub http_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let value = |limit: Limit| limit.default_value().unwrap_or(u64::MAX);
        let time = |limit: Limit| limit.default_value().map(Duration::from_millis);
        Self {
            memory_bytes: value(Limit::Memory),
            table_elements: value(Limit::TableElements),
            host_buffer_bytes: value(Limit::HostBuffer),
            output_bytes: value(Limit::Output),
            log_lines: value(Limit::LogLines),
            handles: value(Limit::Handles),
            open_files: value(Limit::OpenFiles),
            processes: value(Limit::Processes),
            disk_bytes: value(Limit::Disk),
            disk_files: value(Limit::DiskFiles),
            fuel: None,
            soft_deadline: time(Limit::SoftDeadline),
            hard_deadline: time(Limit::HardDeadline),
            request_bytes: value(Limit::Request),
            response_bytes: value(Limit::Response),
            http_body_bytes: value(Limit::HttpBody),
            http_header_bytes: value(Limit::HttpHeaders),
            http_redirects: value(Limit::HttpRedirects),
            http_time: Duration::from_millis(value(Limit::HttpTime)),
        }
    }
}

/// A limit set higher than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("limit {limit} is set to {}, and its maximum is {}", limit.amount(*asked), limit.amount(limit.max_value()))]
pub struct LimitTooHigh {
    /// Which limit.
    pub limit: Limit,
    /// What it was set to, in the limit's unit.
    pub asked: u64,
}

impl Limits {
    /// Checks every limit against its maximum.
    ///
    /// # Errors
    ///
    /// The first limit that is set too high.
    pub fn validate(&self) -> Result<(), LimitTooHigh> {
        for (limit, asked) in self.values() {
            if asked.is_some_and(|asked| asked > limit.max_value()) {
                return Err(LimitTooHigh { limit, asked: asked.unwrap_or(u64::MAX) });
            }
        }
        Ok(())
    }

    /// The smaller of two in every limit. What is unlimited in one is as limited as in the other.
    #[must_use]
    pub fn narrow(&self, other: &Self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.min(other.memory_bytes),
            table_elements: self.table_elements.min(other.table_elements),
            host_buffer_bytes: self.host_buffer_bytes.min(other.host_buffer_bytes),
            output_bytes: self.output_bytes.min(other.output_bytes),
            log_lines: self.log_lines.min(other.log_lines),
            handles: self.handles.min(other.handles),
            open_files: self.open_files.min(other.open_files),
            processes: self.processes.min(other.processes),
            disk_bytes: self.disk_bytes.min(other.disk_bytes),
            disk_files: self.disk_files.min(other.disk_files),
            fuel: lower(self.fuel, other.fuel),
            soft_deadline: lower(self.soft_deadline, other.soft_deadline),
            hard_deadline: lower(self.hard_deadline, other.hard_deadline),
            request_bytes: self.request_bytes.min(other.request_bytes),
            response_bytes: self.response_bytes.min(other.response_bytes),
            http_body_bytes: self.http_body_bytes.min(other.http_body_bytes),
            http_header_bytes: self.http_header_bytes.min(other.http_header_bytes),
            http_redirects: self.http_redirects.min(other.http_redirects),
            http_time: self.http_time.min(other.http_time),
        }
    }

    /// Every limit with its value in the limit's unit; `None` is unlimited.
    #[must_use]
    pub fn values(&self) -> [(Limit, Option<u64>); 19] {
        let time = |time: Option<Duration>| {
            time.map(|time| u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
        };
        [
            (Limit::Memory, Some(self.memory_bytes)),
            (Limit::TableElements, Some(self.table_elements)),
            (Limit::HostBuffer, Some(self.host_buffer_bytes)),
            (Limit::Output, Some(self.output_bytes)),
            (Limit::LogLines, Some(self.log_lines)),
            (Limit::Handles, Some(self.handles)),
            (Limit::OpenFiles, Some(self.open_files)),
            (Limit::Processes, Some(self.processes)),
            (Limit::Disk, Some(self.disk_bytes)),
            (Limit::DiskFiles, Some(self.disk_files)),
            (Limit::Fuel, self.fuel),
            (Limit::SoftDeadline, time(self.soft_deadline)),
            (Limit::HardDeadline, time(self.hard_deadline)),
            (Limit::Request, Some(self.request_bytes)),
            (Limit::Response, Some(self.response_bytes)),
            (Limit::HttpBody, Some(self.http_body_bytes)),
            (Limit::HttpHeaders, Some(self.http_header_bytes)),
            (Limit::HttpRedirects, Some(self.http_redirects)),
            (Limit::HttpTime, time(Some(self.http_time))),
        ]
    }
}

fn lower<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Reads an amount of bytes: a number, or a number with `KiB`, `MiB`, `GiB`, `KB`, `MB`, `GB`, `K`, `M`, `G` (the last
/// three are powers of 1024).
///
/// ```
/// assert_eq!(hob_cap::parse_bytes("64MiB"), Ok(64 << 20));
/// assert!(hob_cap::parse_bytes("64 elephants").is_err());
/// ```
///
/// # Errors
///
/// What an amount of bytes looks like.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let wrong = || {
        format!(
            "`{text}` is no amount of bytes; write a number and KiB, MiB, GiB, KB, MB or GB, such as 64MiB"
        )
    };
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(split).ok_or_else(wrong)?;
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => KIB,
        "m" | "mib" => MIB,
        "g" | "gib" => GIB,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(factor).ok_or_else(|| format!("`{text}` is more bytes than can be counted"))
}

/// Reads a time: a number with `ms`, `s`, `m` or `h`.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(hob_cap::parse_duration("250ms"), Ok(Duration::from_millis(250)));
/// ```
///
/// # Errors
///
/// What a time looks like.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time; write a number and ms, s, m or h, such as 5s or 250ms");
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(split).ok_or_else(wrong)?;
    let ms = match unit {
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        _ => return Err(wrong()),
    };
    let number: f64 = digits.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number * ms / 1000.0).map_err(|_| wrong())
}

/// An amount of bytes as a person writes it: in the largest unit that divides it, or in the next one up, rounded up.
#[must_use]
pub fn format_bytes(bytes: u64) -> String {
    for (unit, name) in [(GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return format!("{}{name}", bytes / unit);
        }
    }
    if bytes >= MIB {
        return format!("{}MiB", bytes.div_ceil(MIB));
    }
    if bytes >= 10 * KIB {
        return format!("{}KiB", bytes.div_ceil(KIB));
    }
    format!("{bytes}B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_may_be_set_to_its_maximum_and_not_past_it() {
        for (limit, _) in Limits::default().values() {
            let set = |value: u64| {
                let mut limits = Limits::default();
                match limit {
                    Limit::Memory => limits.memory_bytes = value,
                    Limit::TableElements => limits.table_elements = value,
                    Limit::HostBuffer => limits.host_buffer_bytes = value,
                    Limit::Output => limits.output_bytes = value,
                    Limit::LogLines => limits.log_lines = value,
                    Limit::Handles => limits.handles = value,
                    Limit::OpenFiles => limits.open_files = value,
                    Limit::Processes => limits.processes = value,
                    Limit::Disk => limits.disk_bytes = value,
                    Limit::DiskFiles => limits.disk_files = value,
                    Limit::Fuel => limits.fuel = Some(value),
                    Limit::SoftDeadline => limits.soft_deadline = Some(Duration::from_millis(value)),
                    Limit::HardDeadline => limits.hard_deadline = Some(Duration::from_millis(value)),
                    Limit::Request => limits.request_bytes = value,
                    Limit::Response => limits.response_bytes = value,
                    Limit::HttpBody => limits.http_body_bytes = value,
                    Limit::HttpHeaders => limits.http_header_bytes = value,
                    Limit::HttpRedirects => limits.http_redirects = value,
                    Limit::HttpTime => limits.http_time = Duration::from_millis(value),
                    other => panic!("{other} is no limit of a guest"),
                }
                limits.validate()
            };
            assert_eq!(set(limit.max_value()), Ok(()), "{limit}");
            if let Some(past) = limit.max_value().checked_add(1) {
                assert_eq!(set(past), Err(LimitTooHigh { limit, asked: past }));
            }
        }
    }

    #[test]
    fn amounts_are_read_and_written() {
        let check = |text: &str, want: Option<u64>| assert_eq!(parse_bytes(text).ok(), want, "{text}");
        check("0", Some(0));
        check("1k", Some(1024));
        check("1KB", Some(1000));
        check("4GiB", Some(4 << 30));
        check("17179869184GiB", None);
        check("18446744073709551616", None);
        check("", None);
        check("-1", None);
        check("MiB", None);
        let time = |text: &str, want: Option<u64>| {
            assert_eq!(parse_duration(text).ok(), want.map(Duration::from_millis), "{text}");
        };
        time("5s", Some(5000));
        time("1.5s", Some(1500));
        time("2m", Some(120_000));
        time("5", None);
        time("s", None);
        time("-5s", None);
        time("99999999999999999999999999h", None);
        assert_eq!(format_bytes(256 << 20), "256MiB");
        assert_eq!(format_bytes((256 << 20) + 1), "257MiB");
        assert_eq!(format_bytes(100), "100B");
    }

    #[test]
    fn narrowing_is_never_wider_than_either() {
        let tight = Limits { memory_bytes: 1, fuel: Some(5), hard_deadline: None, ..Limits::default() };
        let both = Limits::default().narrow(&tight);
        assert_eq!((both.memory_bytes, both.fuel), (1, Some(5)));
        assert_eq!(both.hard_deadline, Limits::default().hard_deadline);
    }
}

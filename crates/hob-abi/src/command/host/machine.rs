//! What the machine says it is.

use hob_engine::HostTable;
use hob_os::Errno;

use super::calls;
use super::guest::Guest;

pub(super) fn add_to(table: &mut HostTable<Guest>) {
    calls! { table, "host_system";
        fn get_identity(mem, guest, field: u32, at: u32, room: u32) {
            mem.check(at, room)?;
            let kernel = guest.process.kernel();
            let text = match field {
                0 => kernel.hostname(),
                1 => "Linux",
                2 => "6.0.0-hob",
                3 => "#1",
                4 => "wasm32",
                5 => "(none)",
                _ => return Err(Errno::Inval.into()),
            };
            let text = [text.as_bytes(), b"\0"].concat();
            if u32::try_from(text.len()).map_or(true, |len| len > room) {
                return Err(Errno::NameTooLong.into());
            }
            Ok(mem.write(at, &text)?)
        }
    }
}

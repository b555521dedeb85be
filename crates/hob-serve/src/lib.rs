//! Pages that hob shows to the person who started it, over HTTP on this machine.
//!
//! A page is served on 127.0.0.1 only, under a path that begins with a random word; who does not know it gets nothing. That
//! alone does not keep out other pages of the same person's browser, so every request must also name this server in `Host`
//! (a name that an attacker points at 127.0.0.1 is another) and come from this server's own page.
//! Pages bring everything with them and may load nothing else.

mod http;
pub mod machine;

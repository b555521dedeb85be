//! Colours and type, light and dark.

/// The style of a picture, for pages that do not allow a picture to bring its own. What follows the machine is the class `active`.
pub const STYLE: &str = include_str!("chart.css");

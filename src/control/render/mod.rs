//! Views as text: BIRD 2.19's tables, byte for byte. One function per view; none of them asks anything.

pub mod attribute;
pub mod explain;
pub mod filters;
pub mod interface;
pub mod kernel;
pub mod memory;
pub mod number;
pub mod protocol;
pub mod route;
pub mod static_;
pub mod status;

use jiff::tz::TimeZone;

use crate::base::time::{Moment, Now, TimeFormat, TimeFormats, TimeWriter};

/// How this session writes times.
#[derive(Clone, Debug)]
pub struct Times {
    /// The present, the same for a whole answer.
    pub now: Now,
    /// The configured formats.
    pub formats: TimeFormats,
    /// The session's own format (`timeformat`), which replaces them all.
    pub own: Option<TimeFormat>,
    /// The local time zone.
    pub zone: TimeZone,
}

impl Times {
    fn chosen<'a>(&'a self, configured: &'a TimeFormat) -> &'a TimeFormat {
        self.own.as_ref().unwrap_or(configured)
    }

    /// A time of `show status`.
    pub fn base(&self, at: Moment) -> String {
        self.chosen(&self.formats.base).text(at, self.now, &self.zone)
    }

    /// For the Since column.
    pub fn protocol(&self) -> TimeWriter {
        TimeWriter::new(self.chosen(&self.formats.protocol), self.now, self.zone.clone())
    }

    /// For routes.
    pub fn route(&self) -> TimeWriter {
        TimeWriter::new(self.chosen(&self.formats.route), self.now, self.zone.clone())
    }
}

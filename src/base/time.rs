//! Moments and how they are written.
//!
//! A moment is a number of microseconds since the daemon started. The wall clock is asked once per answer
//! ([`Now`]) and moments are written relative to it, so that a corrected clock corrects old times too, as
//! BIRD does. Nothing here reads a clock or the time zone: both are given.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::strtime::{BrokenDownTime, Config};
use jiff::tz::TimeZone;

/// A moment of this daemon's life: microseconds since its start.
pub type Moment = u64;

/// The present, on both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// Microseconds since the daemon's start.
    pub moment: Moment,
    /// Microseconds since the epoch.
    pub wall: i64,
}

impl Now {
    /// A moment on the wall clock, in microseconds since the epoch.
    pub fn wall_of(&self, at: Moment) -> i64 {
        self.wall.saturating_sub_unsigned(self.moment).saturating_add_unsigned(at)
    }
}

/// How a moment is written: `recent` for moments younger than `limit`, `older` beyond it; strftime with `%3f`
/// and `%6f` for fractions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TimeFormat {
    /// The format of moments within the limit, and of all without one.
    pub recent: Arc<str>,
    /// The age limit.
    pub limit: Option<Duration>,
    /// The format beyond it.
    pub older: Option<Arc<str>>,
}

/// The fraction of a second that `iso` formats write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fraction {
    /// Whole seconds.
    None,
    /// Three digits.
    Millis,
    /// Six digits.
    Micros,
}

impl Fraction {
    fn suffix(self) -> &'static str {
        match self {
            Fraction::None => "",
            Fraction::Millis => ".%3f",
            Fraction::Micros => ".%6f",
        }
    }
}

impl TimeFormat {
    /// The longest text a format may produce; anything longer is shown as `<error>`.
    pub const MAX_TEXT: usize = 31;

    /// `iso short`: the time of the last twenty hours, the date of anything older.
    pub fn iso_short(fraction: Fraction) -> TimeFormat {
        TimeFormat {
            recent: format!("%T{}", fraction.suffix()).into(),
            limit: Some(Duration::from_secs(20 * 3600)),
            older: Some("%F".into()),
        }
    }

    /// `iso long`: date and time.
    pub fn iso_long(fraction: Fraction) -> TimeFormat {
        TimeFormat { recent: format!("%F %T{}", fraction.suffix()).into(), limit: None, older: None }
    }

    /// One moment as text. Many moments are written faster by one [`TimeWriter`].
    pub fn text(&self, at: Moment, now: Now, zone: &TimeZone) -> String {
        let mut out = Vec::new();
        TimeWriter::new(self, now, zone.clone()).write(at, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }
}

/// The four formats that `timeformat` sets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TimeFormats {
    /// Routes in `show route`.
    pub route: TimeFormat,
    /// Protocols in `show protocols`.
    pub protocol: TimeFormat,
    /// `show status` and everything else the shell prints.
    pub base: TimeFormat,
    /// Log lines.
    pub log: TimeFormat,
}

impl Default for TimeFormats {
    fn default() -> TimeFormats {
        let (short, long) = (TimeFormat::iso_short(Fraction::Millis), TimeFormat::iso_long(Fraction::Millis));
        TimeFormats { route: short.clone(), protocol: short, base: long.clone(), log: long }
    }
}

/// Writes many moments in one format. What does not change within a second is kept, so that a million routes that came
/// within a few seconds cost a few calendar computations.
#[derive(Debug)]
pub struct TimeWriter {
    recent: Pattern,
    older: Option<Pattern>,
    limit: u64,
    now: Now,
    zone: TimeZone,
    /// The moment written last and its text.
    last: Option<(Moment, Vec<u8>)>,
}

impl TimeWriter {
    /// A writer for one answer.
    pub fn new(format: &TimeFormat, now: Now, zone: TimeZone) -> TimeWriter {
        let limit = format.limit.map_or(u64::MAX, |l| u64::try_from(l.as_micros()).unwrap_or(u64::MAX));
        TimeWriter {
            recent: Pattern::new(&format.recent),
            older: format.older.as_deref().map(Pattern::new),
            limit,
            now,
            zone,
            last: None,
        }
    }

    /// Appends the text of a moment.
    pub fn write(&mut self, at: Moment, out: &mut Vec<u8>) {
        if let Some((last, text)) = &self.last
            && *last == at
        {
            return out.extend_from_slice(text);
        }
        let from = out.len();
        let age = self.now.moment.saturating_sub(at);
        let pattern = match &mut self.older {
            Some(older) if age >= self.limit => older,
            _ => &mut self.recent,
        };
        if pattern.write(self.now.wall_of(at), &self.zone, out).is_err()
            || out.len() - from > TimeFormat::MAX_TEXT
        {
            out.truncate(from);
            out.extend_from_slice(b"<error>");
        }
        match &mut self.last {
            Some((last, text)) => {
                *last = at;
                text.clear();
                text.extend_from_slice(&out[from..]);
            }
            None => self.last = Some((at, out[from..].to_vec())),
        }
    }
}

/// A format cut at its fractions of a second.
#[derive(Debug)]
struct Pattern {
    pieces: Vec<Piece>,
    /// The second (since the epoch) that the texts of the pieces belong to.
    second: Option<i64>,
}

#[derive(Debug)]
enum Piece {
    /// A strftime format and its text in the current second.
    Calendar(String, Vec<u8>),
    /// So many digits of the fraction.
    Fraction(u32),
}

impl Pattern {
    fn new(format: &str) -> Pattern {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut chars = format.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '%' {
                text.push(c);
                continue;
            }
            let mut ahead = chars.clone();
            let digits = match ahead.peek().and_then(|d| d.to_digit(10)) {
                Some(n @ 1..=6) => {
                    ahead.next();
                    n
                }
                _ => 6,
            };
            if ahead.next() == Some('f') {
                if !text.is_empty() {
                    pieces.push(Piece::Calendar(std::mem::take(&mut text), Vec::new()));
                }
                pieces.push(Piece::Fraction(digits));
                chars = ahead;
            } else {
                // Any other directive goes through whole, so that the second `%` of `%%` starts nothing.
                text.push('%');
                text.extend(chars.next());
            }
        }
        if !text.is_empty() {
            pieces.push(Piece::Calendar(text, Vec::new()));
        }
        Pattern { pieces, second: None }
    }

    fn write(&mut self, wall: i64, zone: &TimeZone, out: &mut Vec<u8>) -> Result<(), jiff::Error> {
        let (second, micros) = (wall.div_euclid(1_000_000), wall.rem_euclid(1_000_000) as u32);
        if self.second != Some(second) {
            self.second = None;
            let civil = BrokenDownTime::from(&Timestamp::from_second(second)?.to_zoned(zone.clone()));
            let config = Config::new().lenient(true);
            for piece in &mut self.pieces {
                if let Piece::Calendar(format, text) = piece {
                    text.clear();
                    *text = civil.to_string_with_config(&config, &*format)?.into_bytes();
                }
            }
            self.second = Some(second);
        }
        for piece in &self.pieces {
            match piece {
                Piece::Calendar(_, text) => out.extend_from_slice(text),
                Piece::Fraction(digits) => {
                    let all = [100_000, 10_000, 1000, 100, 10, 1].map(|p| b'0' + (micros / p % 10) as u8);
                    out.extend_from_slice(&all[..*digits as usize]);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // 2026-11-21 18:52:11.479612 UTC, one hour after the start.
    const NOW: Now = Now { moment: 3_600_000_000, wall: 1_795_287_131_479_612 };

    fn text(format: &TimeFormat, at: Moment) -> String {
        format.text(at, NOW, &TimeZone::UTC)
    }

    #[test]
    fn iso_formats() {
        assert_eq!(text(&TimeFormat::iso_short(Fraction::Millis), NOW.moment), "18:52:11.479");
        assert_eq!(text(&TimeFormat::iso_short(Fraction::None), 0), "17:52:11");
        assert_eq!(text(&TimeFormat::iso_long(Fraction::Micros), NOW.moment), "2026-11-21 18:52:11.479612");
    }

    #[test]
    fn twenty_hours_make_a_date() {
        let later = Now { moment: 20 * 3_600_000_000, wall: NOW.wall + 19 * 3_600_000_000 };
        let format = TimeFormat::iso_short(Fraction::Millis);
        assert_eq!(format.text(0, later, &TimeZone::UTC), "2026-11-21");
        assert_eq!(format.text(1, later, &TimeZone::UTC), "17:52:11.479");
    }

    #[test]
    fn fractions_percents_and_nonsense() {
        let format = |f: &str| TimeFormat { recent: f.into(), limit: None, older: None };
        assert_eq!(text(&format("%%f %2f|%f"), NOW.moment), "%f 47|479612");
        assert_eq!(text(&format("it is %Y"), 0), "it is 2026");
        assert_eq!(text(&format("%Y-%m-%d %H:%M:%S %Y-%m-%d %H"), 0), "<error>");
        // What no calendar knows stands as it is, and nothing panics.
        text(&format("%Q %! %"), 0);
    }

    #[test]
    fn a_writer_keeps_nothing_it_should_not() {
        let mut writer = TimeWriter::new(&TimeFormat::iso_short(Fraction::Millis), NOW, TimeZone::UTC);
        let mut out = Vec::new();
        for at in [0, 0, 1000, 600_000, 0, 3_600_000_000] {
            writer.write(at, &mut out);
            out.push(b' ');
        }
        let text = "17:52:11.479 17:52:11.479 17:52:11.480 17:52:12.079 17:52:11.479 18:52:11.479 ";
        assert_eq!(String::from_utf8(out).unwrap_or_default(), text);
    }
}

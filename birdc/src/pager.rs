//! Output by the page: after a screenful `--More--`, then space for the next page, Enter for a line, `q` for
//! the rest not.

use std::io::{self, Read, Write};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// The terminal as the pager needs it.
pub(crate) trait Terminal {
    /// Rows and columns.
    fn size(&self) -> (usize, usize);
    /// Waits for a key.
    fn key(&mut self) -> io::Result<u8>;
    /// Writes and flushes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
}

const MORE: &[u8] = b"--More--";
const ERASE: &[u8] = b"\r        \r";
const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;

/// Counts rows and stops at the end of each page.
pub(crate) struct Pager<T> {
    terminal: T,
    buffer: Vec<u8>,
    rows: usize,
    columns: usize,
    /// Rows of the current page that are taken.
    used: usize,
    skipping: bool,
}

impl<T: Terminal> Pager<T> {
    const FULL: usize = 1 << 14;

    /// A pager at the top of a page.
    pub(crate) fn new(terminal: T) -> Self {
        let mut pager = Self { terminal, buffer: Vec::new(), rows: 0, columns: 0, used: 0, skipping: false };
        pager.begin();
        pager
    }

    /// Begins the output of a command.
    pub(crate) fn begin(&mut self) {
        (self.rows, self.columns) = self.terminal.size();
        self.used = 0;
        self.skipping = false;
    }

    /// Shows nothing more until the next command.
    pub(crate) fn skip(&mut self) {
        self.buffer.clear();
        self.skipping = true;
    }

    /// Shows a line, which comes with its end.
    pub(crate) fn line(&mut self, line: &[u8]) -> io::Result<()> {
        if self.skipping {
            return Ok(());
        }
        let height = self.height(line);
        // A line higher than the screen is shown nevertheless, on a page of its own.
        if self.used > 0 && self.used + height >= self.rows && !self.more(height)? {
            return Ok(());
        }
        self.used += height;
        self.buffer.extend_from_slice(line);
        if self.buffer.len() >= Self::FULL { self.flush() } else { Ok(()) }
    }

    /// Shows lines of our own.
    pub(crate) fn lines<'t>(&mut self, lines: impl IntoIterator<Item = &'t str>) -> io::Result<()> {
        for line in lines {
            self.line(format!("{line}\n").as_bytes())?;
        }
        self.flush()
    }

    /// Writes what is held back.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let written = self.terminal.write(&self.buffer);
        self.buffer.clear();
        written
    }

    /// Asks whether to go on; makes room for a line of that height.
    fn more(&mut self, height: usize) -> io::Result<bool> {
        self.flush()?;
        self.terminal.write(MORE)?;
        let go_on = loop {
            match self.terminal.key()? {
                b' ' => {
                    self.used = 0;
                    break true;
                }
                b'\r' | b'\n' => {
                    self.used = self.used.saturating_sub(height);
                    break true;
                }
                b'q' | b'Q' | CTRL_C | CTRL_D => break false,
                _ => {}
            }
        };
        self.terminal.write(ERASE)?;
        self.skipping = !go_on;
        Ok(go_on)
    }

    /// The rows that a line takes; characters count as one column each, tabs as theirs.
    fn height(&self, line: &[u8]) -> usize {
        let width: usize = line.iter().fold(0, |column, byte| match byte {
            b'\t' => column / 8 * 8 + 8,
            // The second and later bytes of a character.
            b'\n' | 0x80..=0xbf => column,
            _ => column + 1,
        });
        width.div_ceil(self.columns.max(1)).max(1)
    }
}

/// The real terminal, on standard input and output.
pub(crate) struct Tty;

impl Terminal for Tty {
    fn size(&self) -> (usize, usize) {
        match tcgetwinsize(io::stdout()) {
            Ok(size) if size.ws_row > 1 && size.ws_col > 0 => (size.ws_row.into(), size.ws_col.into()),
            _ => (24, 80),
        }
    }

    fn key(&mut self) -> io::Result<u8> {
        let _raw = Raw::enter()?;
        let mut key = [0];
        match io::stdin().lock().read(&mut key)? {
            // The terminal is gone: as good as `q`.
            0 => Ok(CTRL_D),
            _ => Ok(key[0]),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }
}

/// Keys arrive at once and unechoed as long as this lives.
struct Raw(Termios);

impl Raw {
    fn enter() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that refuses its own settings.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

    use super::*;
    use std::collections::VecDeque;

    struct Script {
        keys: VecDeque<u8>,
        shown: Vec<u8>,
    }

    impl Terminal for Script {
        fn size(&self) -> (usize, usize) {
            (4, 10)
        }
        fn key(&mut self) -> io::Result<u8> {
            Ok(self.keys.pop_front().unwrap())
        }
        fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.shown.extend_from_slice(bytes);
            Ok(())
        }
    }

    /// Shows lines on four rows of ten columns; returns the screen with `#` for each question, and the keys left over.
    fn shown(keys: &[u8], lines: &[&str]) -> (String, usize) {
        let mut pager = Pager::new(Script { keys: keys.iter().copied().collect(), shown: Vec::new() });
        pager.lines(lines.iter().copied()).unwrap();
        let text = String::from_utf8(pager.terminal.shown).unwrap();
        let question = String::from_utf8([MORE, ERASE].concat()).unwrap();
        (text.replace(&question, "#").replace('\n', ""), pager.terminal.keys.len())
    }

    #[test]
    fn pages_and_lines() {
        let lines = ["a", "b", "c", "d", "e", "f", "g"];
        assert_eq!(shown(b"  ", &lines), ("abc#def#g".into(), 0));
        assert_eq!(shown(b"\rx ", &lines), ("abc#d#efg".into(), 0));
        assert_eq!(shown(b" q ", &lines), ("abc#def#".into(), 1));
        assert_eq!(shown(b"", &lines[..3]), ("abc".into(), 0));
    }

    #[test]
    fn long_lines_take_several_rows() {
        assert_eq!(shown(b" ", &["0123456789", "0123456789a", "b"]), ("01234567890123456789a#b".into(), 0));
        let high = "x".repeat(50);
        assert_eq!(shown(b"  ", &["a", &high, "b"]), (format!("a#{high}#b"), 0));
        assert_eq!(shown(b"", &["\t1", "é", "ééééééééé"]), ("\t1éééééééééé".into(), 0));
    }

    #[test]
    fn every_command_begins_a_page() {
        let mut pager = Pager::new(Script { keys: b"q".iter().copied().collect(), shown: Vec::new() });
        pager.lines(["a", "b", "c", "d"]).unwrap();
        pager.lines(["x"]).unwrap();
        pager.begin();
        pager.lines(["f"]).unwrap();
        let text = String::from_utf8(pager.terminal.shown).unwrap();
        assert!(!text.contains('d') && !text.contains('x') && text.ends_with("f\n"));
    }
}

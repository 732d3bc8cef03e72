//! The connection of an interactive session: a thread reads it, so that lines which nobody asked for appear
//! while the user edits a command, and brings it back when the daemon restarts.
//!
//! While the user edits, lines go to the printer of the line editor; otherwise they queue up for the main thread, which
//! pages them. The queue is short: as long as the user reads a page the daemon has to wait. What a session has set for
//! itself (`restrict`, `timeformat`, `echo`) is set again on the next connection.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::client::{self, Connection, Failure, Sink};
use crate::options::Options;
use crate::render::Style;
use crate::table::Table;
use crate::wire::{Decoder, Line};

/// Lines that may wait before the daemon has to.
const MOST_QUEUED: usize = 4096;

/// How long between two attempts to connect.
const RETRY: Duration = Duration::from_millis(500);

/// How long a daemon may take for its greeting when it comes back.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a command waits for a connection that is coming back.
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(2);

/// Shows a text above the line that is being edited.
pub(crate) type Printer = Box<dyn FnMut(String) + Send>;

/// What happened on the connection.
#[derive(Debug)]
pub(crate) enum Event {
    /// A line arrived.
    Line(Vec<u8>),
    /// The connection with this number is gone.
    Closed(u64, Failure),
    /// Something the user should know.
    Note(String),
}

/// An interactive session's connection.
pub(crate) struct Link {
    shared: Arc<Shared>,
    events: VecDeque<Event>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    options: Options,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    at_prompt: bool,
    queue: VecDeque<Event>,
    writer: Option<UnixStream>,
    /// Counts connections.
    number: u64,
    table: Arc<Table>,
    restricted: bool,
    settings: BTreeMap<String, String>,
    leaving: bool,
}

impl Link {
    /// Takes over an open connection.
    pub(crate) fn start(
        options: &Options,
        connection: Connection,
        table: Table,
        printer: Printer,
    ) -> io::Result<Self> {
        let (reader, decoder) = connection.into_parts();
        let state = State {
            at_prompt: false,
            queue: VecDeque::new(),
            writer: Some(reader.try_clone()?),
            number: 0,
            table: Arc::new(table),
            restricted: options.restricted,
            settings: BTreeMap::new(),
            leaving: false,
        };
        let shared =
            Arc::new(Shared { options: options.clone(), state: Mutex::new(state), changed: Condvar::new() });
        let reading = Reading { shared: Arc::clone(&shared), printer };
        let thread =
            std::thread::Builder::new().name("reader".into()).spawn(move || reading.run(reader, decoder))?;
        Ok(Self { shared, events: VecDeque::new(), thread: Some(thread) })
    }

    /// The daemon's command table.
    pub(crate) fn table(&self) -> Arc<Table> {
        Arc::clone(&self.shared.lock().table)
    }

    /// Something that asks for the table later, from elsewhere.
    pub(crate) fn table_source(&self) -> impl Fn() -> Arc<Table> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        move || Arc::clone(&shared.lock().table)
    }

    /// From now on lines go to the printer; `false` if events wait that should be seen first.
    pub(crate) fn enter_prompt(&mut self) -> bool {
        let mut state = self.shared.lock();
        state.at_prompt = self.events.is_empty() && state.queue.is_empty();
        state.at_prompt
    }

    /// From now on lines queue up again.
    pub(crate) fn leave_prompt(&mut self) {
        self.shared.lock().at_prompt = false;
    }

    /// Sends a command; returns the number of the connection, or `None` if there is none.
    pub(crate) fn submit(&mut self, command: &str) -> Option<u64> {
        let state = self.shared.lock();
        let gone = |state: &mut State| state.writer.is_none();
        let waited = self.shared.changed.wait_timeout_while(state, WAIT_FOR_CONNECTION, gone);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let number = state.number;
        let mut writer = state.writer.as_ref()?.try_clone().ok()?;
        drop(state);
        // If this fails the connection is going, and the reading side says so.
        let _ = writer.write_all(client::request(command).as_bytes());
        Some(number)
    }

    /// The next event, waiting no longer than this.
    pub(crate) fn next(&mut self, patience: Duration) -> Option<Event> {
        if self.events.is_empty() {
            let state = self.shared.lock();
            let waited =
                self.shared.changed.wait_timeout_while(state, patience, |state| state.queue.is_empty());
            let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut self.events, &mut state.queue);
            self.shared.changed.notify_all();
        }
        self.events.pop_front()
    }

    /// Whether the next event is here already.
    pub(crate) fn has_next(&self) -> bool {
        !self.events.is_empty() || !self.shared.lock().queue.is_empty()
    }

    /// Notes what a successful command has set for this session, to set it again on another connection.
    pub(crate) fn remember(&mut self, command: &str) {
        let mut words = command.split_whitespace();
        let mut state = self.shared.lock();
        let key = match words.next() {
            Some("restrict") => {
                state.restricted = true;
                return;
            }
            Some("echo") => "echo".to_owned(),
            // `timeformat route "…"` and its like are apart; `timeformat "…"` is for all of them.
            Some("timeformat") => match words.next() {
                Some(what) if what.starts_with(char::is_alphabetic) => format!("timeformat {what}"),
                _ => {
                    state.settings.retain(|key, _| !key.starts_with("timeformat"));
                    "timeformat".to_owned()
                }
            },
            _ => return,
        };
        state.settings.insert(key, command.to_owned());
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.leaving = true;
        if let Some(writer) = &state.writer {
            // Wakes the reader; if it fails the connection is gone, which wakes it as well.
            let _ = writer.shutdown(Shutdown::Both);
        }
        drop(state);
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The reading side.
struct Reading {
    shared: Arc<Shared>,
    printer: Printer,
}

impl Reading {
    fn run(mut self, mut reader: UnixStream, mut decoder: Decoder) {
        loop {
            let failure = self.read(&reader, &mut decoder);
            let mut state = self.shared.lock();
            state.writer = None;
            let number = state.number;
            if state.leaving {
                return;
            }
            drop(state);
            self.deliver([
                Event::Closed(number, failure),
                Event::Note("Waiting for the server to come back".into()),
            ]);
            match self.reconnect() {
                Some(parts) => (reader, decoder) = parts,
                None => return,
            }
        }
    }

    fn read(&mut self, reader: &UnixStream, decoder: &mut Decoder) -> Failure {
        loop {
            let result = client::read_some(reader, decoder);
            let mut events = Vec::new();
            while let Some(raw) = decoder.next_line() {
                events.push(Event::Line(raw.to_vec()));
            }
            if result.is_err() {
                // Half a line, never to be completed.
                events.extend(decoder.rest().map(|rest| Event::Line(rest.to_vec())));
            }
            self.deliver(events);
            if let Err(failure) = result {
                return failure;
            }
        }
    }

    /// Tries until there is a daemon again; `None` when the user leaves.
    fn reconnect(&mut self) -> Option<(UnixStream, Decoder)> {
        loop {
            let state = self.shared.lock();
            let waited = self.shared.changed.wait_timeout_while(state, RETRY, |state| !state.leaving);
            let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if state.leaving {
                return None;
            }
            let options = Options { restricted: state.restricted, ..self.shared.options.clone() };
            let settings: Vec<String> = state.settings.values().cloned().collect();
            drop(state);
            let mut greeting = Greeting::default();
            let Ok((connection, table, writer)) = open_again(&options, &settings, &mut greeting) else {
                continue;
            };
            let mut state = self.shared.lock();
            state.number += 1;
            state.table = Arc::new(table);
            state.writer = Some(writer);
            drop(state);
            self.shared.changed.notify_all();
            let mut events = vec![Event::Note(format!("Connected again: {}", greeting.text))];
            events.extend(greeting.unasked.into_iter().map(Event::Line));
            self.deliver(events);
            return Some(connection.into_parts());
        }
    }

    /// Hands events to whoever shows them now.
    fn deliver(&mut self, events: impl IntoIterator<Item = Event>) {
        let state = self.shared.lock();
        let full = |state: &mut State| state.queue.len() >= MOST_QUEUED && !state.at_prompt && !state.leaving;
        let mut state = self.shared.changed.wait_while(state, full).unwrap_or_else(PoisonError::into_inner);
        if !state.at_prompt {
            state.queue.extend(events);
            drop(state);
            self.shared.changed.notify_all();
            return;
        }
        drop(state);
        let style = Style { verbose: self.shared.options.verbose, terminal: true };
        let mut text = Vec::new();
        for event in events {
            event.render(style, &mut text);
        }
        if !text.is_empty() {
            (self.printer)(String::from_utf8_lossy(&text).into_owned());
        }
    }
}

impl Event {
    /// Appends what is shown of an event, if anything.
    pub(crate) fn render(&self, style: Style, into: &mut Vec<u8>) {
        match self {
            Self::Line(raw) => style.render(raw, into),
            Self::Closed(_, failure) => into.extend(format!("{failure}\n").as_bytes()),
            Self::Note(note) => into.extend(format!("{note}\n").as_bytes()),
        }
    }
}

/// Connects, restricts and sets what the session had set.
fn open_again(
    options: &Options,
    settings: &[String],
    greeting: &mut Greeting,
) -> Result<(Connection, Table, UnixStream), Failure> {
    let (mut connection, table) = client::open(options, Some(PATIENCE), greeting)?;
    for command in settings {
        connection.exchange(command, greeting)?;
    }
    let writer = connection.stream().set_read_timeout(None).and_then(|()| connection.stream().try_clone());
    Ok((connection, table, writer.map_err(Failure::Broken)?))
}

/// Keeps the greeting and what nobody asked for; the replies to what the user typed earlier are of no interest.
#[derive(Default)]
struct Greeting {
    text: String,
    unasked: Vec<Vec<u8>>,
}

impl Sink for Greeting {
    fn line(&mut self, raw: &[u8]) -> io::Result<()> {
        match Line::classify(raw) {
            Line::Async(_) => self.unasked.push(raw.to_vec()),
            Line::Reply { text, .. } if self.text.is_empty() => {
                self.text = String::from_utf8_lossy(text).into_owned()
            }
            _ => {}
        }
        Ok(())
    }

    fn pause(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics is a test that fails")]

    use super::*;
    use std::io::{BufRead, BufReader};
    use std::os::unix::net::UnixListener;
    use std::sync::mpsc;

    /// Accepts one session and greets it.
    fn accept(listener: &UnixListener) -> (UnixStream, std::io::Lines<BufReader<UnixStream>>) {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"0001 BIRD 2.19.0 ready.\n").unwrap();
        let mut requests = BufReader::new(stream.try_clone().unwrap()).lines();
        let mut answer_to = |expected: &str, answer: &str| {
            assert_eq!(requests.next().unwrap().unwrap(), expected);
            stream.write_all(answer.as_bytes()).unwrap();
        };
        answer_to("commands", "9001 syntax error\n");
        (stream, requests)
    }

    fn next_text(link: &mut Link) -> String {
        let event = link.next(Duration::from_secs(90)).expect("an event in time");
        let mut text = Vec::new();
        event.render(Style { verbose: false, terminal: true }, &mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_daemon_that_restarts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ctl");
        let listener = UnixListener::bind(&path).unwrap();
        let daemon = std::thread::spawn(move || {
            let (mut stream, mut requests) = accept(&listener);
            assert_eq!(requests.next().unwrap().unwrap(), "timeformat \"%s\"");
            stream.write_all(b"0000 \n").unwrap();
            assert_eq!(requests.next().unwrap().unwrap(), "show status");
            stream.write_all(b"1000-BI").unwrap();
            drop((stream, requests));
            let (mut stream, mut requests) = accept(&listener);
            assert_eq!(requests.next().unwrap().unwrap(), "timeformat \"%s\"");
            stream.write_all(b"+early\n0000 \n").unwrap();
            assert_eq!(requests.next().unwrap().unwrap(), "show status");
            stream.write_all(b"0013 Up\n+late\n").unwrap();
            assert!(requests.next().is_none());
        });

        let (printed, prints) = mpsc::channel();
        let options = Options::for_socket(path);
        let mut greeting = Greeting::default();
        let (connection, table) = client::open(&options, None, &mut greeting).unwrap();
        let printer: Printer = Box::new(move |text| printed.send(text).unwrap());
        let mut link = Link::start(&options, connection, table, printer).unwrap();

        assert_eq!(link.submit("timeformat \"%s\""), Some(0));
        assert_eq!(next_text(&mut link), "");
        link.remember("timeformat \"%s\"");
        assert_eq!(link.submit("show status"), Some(0));
        assert_eq!(next_text(&mut link), "BI\n");
        assert_eq!(next_text(&mut link), "Connection closed by server\n");
        assert_eq!(next_text(&mut link), "Waiting for the server to come back\n");
        assert_eq!(next_text(&mut link), "Connected again: BIRD 2.19.0 ready.\n");
        assert_eq!(next_text(&mut link), ">>> early\n");
        assert_eq!(link.submit("show status"), Some(1));
        assert_eq!(next_text(&mut link), "Up\n");
        // The asynchronous line comes to the queue or, if it was slow, to the prompt.
        let late = if link.enter_prompt() {
            prints.recv_timeout(Duration::from_secs(90)).unwrap()
        } else {
            next_text(&mut link)
        };
        assert_eq!(late, ">>> late\n");
        drop(link);
        daemon.join().unwrap();
    }
}

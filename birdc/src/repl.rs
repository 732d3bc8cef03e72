//! Use on a terminal: line editing, history, Tab, `?`, pages, and a connection that survives the daemon.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustyline::completion::{Completer, Pair};
use rustyline::config::Configurer;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{
    Cmd, CompletionType, ConditionalEventHandler, Config, Context, Editor, Event as Key, EventContext,
    EventHandler, ExternalPrinter, KeyCode, KeyEvent, Modifiers, RepeatCount,
};

use crate::batch::PROMPT;
use crate::client::{self, Failure};
use crate::complete::{self, Candidate};
use crate::expand::{self, Command};
use crate::help;
use crate::link::{Event, Link, Printer};
use crate::names::LiveNames;
use crate::options::Options;
use crate::pager::{Pager, Terminal, Tty};
use crate::render::{Output, Style};
use crate::table::Table;
use crate::wire::Line;

/// The history, in the home directory; BIRD's shell uses the same.
const HISTORY_FILE: &str = ".birdc_history";
const HISTORY_LENGTH: usize = 1000;

/// How often a user's Ctrl-C is looked for while the daemon works.
const LOOK_AROUND: Duration = Duration::from_millis(100);

/// The exit status of a shell that was left by Ctrl-C, as if the signal had ended it.
const INTERRUPTED: u8 = 130;

/// Runs the shell until the user leaves.
pub(crate) fn run(options: &Options) -> Result<u8, Failure> {
    let style = Style { verbose: options.verbose, terminal: true };
    let mut output = Output::new(style);
    let (connection, table) = client::open(options, None, &mut output)?;
    let mut editor = LineEditor::new(options)?;
    let printer = editor.printer();
    let link = Link::start(options, connection, table, printer).map_err(Failure::Broken)?;
    editor.use_table(link.table_source());
    let interrupt = Interrupt::watch().map_err(Failure::Input)?;
    Shell {
        style,
        link,
        pager: Pager::new(Tty),
        interrupt,
        refused: None,
        routes: false,
        names: LiveNames::new(options.socket.clone()),
    }
    .run(&mut editor)
}

/// The shell behind the line editor.
struct Shell {
    style: Style,
    link: Link,
    pager: Pager<Tty>,
    interrupt: Interrupt,
    /// Why the last configuration was refused.
    refused: Option<Vec<u8>>,
    /// Whether the last reply had lines about routes.
    routes: bool,
    names: LiveNames,
}

/// What follows an empty answer that means something else than it seems to.
const NONE_KEPT: &str = "No channel keeps what its import filter refuses: set `import keep filtered;` in the channel, configure, and reload.";

/// The code of lines about routes.
const ROUTE: u16 = 1007;

/// Whether a command asks for routes that were refused.
fn asks_for_filtered(command: &str) -> bool {
    let mut words = command.split_whitespace();
    words.next() == Some("show") && words.next() == Some("route") && words.any(|word| word == "filtered")
}

/// What tells every mistake of a configuration. BIRD does not know it.
const EXPLAIN: &str = "configure explain";

/// The code of a configuration that was refused.
const REFUSED: u16 = 8002;

/// Whether a line begins with `FILE:LINE:COL `: a mistake inside the file.
fn has_place(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    let place = text.split(' ').next().unwrap_or("");
    let mut parts = place.rsplitn(3, ':');
    let mut number = || parts.next().is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    number() && number()
}

/// Whether the shell goes on.
enum Next {
    Prompt,
    /// With this exit status.
    Leave(u8),
}

impl Shell {
    fn run(mut self, editor: &mut LineEditor) -> Result<u8, Failure> {
        loop {
            self.show_waiting()?;
            if !self.link.enter_prompt() {
                continue;
            }
            let read = editor.read();
            self.link.leave_prompt();
            self.pager.begin();
            match read? {
                Typed::Line(lines) => {
                    // Pasted text may be several commands.
                    for line in lines.lines() {
                        if let Next::Leave(status) = self.carry_out(line)? {
                            return Ok(status);
                        }
                    }
                }
                Typed::Question(text) => {
                    let lines = help::wrapped(help::question(&self.link.table(), &text), Tty.size().1);
                    self.pager.lines(lines.iter().map(String::as_str)).map_err(Failure::Output)?;
                }
                Typed::Nothing => {}
                Typed::End => return Ok(0),
            }
        }
    }

    fn carry_out(&mut self, line: &str) -> Result<Next, Failure> {
        self.pager.begin();
        let table = self.link.table();
        let lines = match expand::expand(&table, line) {
            Command::Empty => return Ok(Next::Prompt),
            Command::Quit => return Ok(Next::Leave(0)),
            Command::Send(command) => return self.order(&command),
            Command::Help(words) => help::answer(&table, words),
            Command::Ambiguous(nodes) => help::ambiguous(&table, &nodes),
            // The key did not get through: a terminal without line editing, or pasted text.
            Command::Unknown => match line.trim_end().strip_suffix('?') {
                Some(text) => help::question(&table, text),
                None => vec![help::UNKNOWN.to_owned()],
            },
        };
        let lines = help::wrapped(lines, Tty.size().1);
        self.pager.lines(lines.iter().map(String::as_str)).map_err(Failure::Output)?;
        Ok(Next::Prompt)
    }

    /// Carries out a command of the user. When a configuration is refused, all its mistakes follow the one
    /// line that BIRD's protocol has room for.
    fn order(&mut self, command: &str) -> Result<Next, Failure> {
        (self.refused, self.routes) = (None, false);
        let next = self.ask(command)?;
        if asks_for_filtered(command) && !self.routes && !self.names.keeps_filtered() {
            self.pager
                .lines(help::wrapped(vec![NONE_KEPT.to_owned()], Tty.size().1).iter().map(String::as_str))
                .map_err(Failure::Output)?;
        }
        let Some(first) = self.refused.take().filter(|line| has_place(line)) else { return Ok(next) };
        if !command.starts_with("configure") || self.link.table().find(EXPLAIN.split(' ')).is_none() {
            return Ok(next);
        }
        // What was said already is not said again.
        self.refused = Some(first);
        let file = command.find('"').map_or("", |at| &command[at..]);
        let file = file.get(1..).and_then(|rest| rest.find('"')).map_or("", |end| &file[..end + 2]);
        self.ask(format!("{EXPLAIN} {file}").trim_end())
    }

    /// Sends a command and shows its reply. Ctrl-C hides the rest of it; a second one leaves a daemon that
    /// says nothing.
    fn ask(&mut self, command: &str) -> Result<Next, Failure> {
        self.interrupt.take();
        let Some(number) = self.link.submit(command) else {
            self.pager.lines(["Not connected; the command was not sent"]).map_err(Failure::Output)?;
            return Ok(Next::Prompt);
        };
        let mut interrupted = false;
        loop {
            if self.interrupt.take() {
                if interrupted {
                    return Ok(Next::Leave(INTERRUPTED));
                }
                interrupted = true;
                self.pager.skip();
                Tty.write(b"\n(once more to leave)\n").map_err(Failure::Output)?;
            }
            if !self.link.has_next() {
                self.pager.flush().map_err(Failure::Output)?;
            }
            let Some(event) = self.link.next(LOOK_AROUND) else { continue };
            if let Event::Closed(closed, _) = event {
                // An older connection's end is no news.
                if closed < number {
                    continue;
                }
                self.pager.begin();
                self.show(&event)?;
                self.pager.flush().map_err(Failure::Output)?;
                return Ok(Next::Prompt);
            }
            let line = match &event {
                Event::Line(raw) => Some(Line::classify(raw)),
                _ => None,
            };
            match line {
                // The heading of a table named in the command is there without any route.
                Some(Line::Reply { code: ROUTE, text, .. }) => self.routes |= !text.starts_with(b"Table "),
                Some(Line::Same(_)) => self.routes = true,
                Some(Line::Reply { code: REFUSED, text, .. }) => self.refused = Some(text.to_vec()),
                Some(Line::Reply { text, last: false, .. }) if self.refused.as_deref() == Some(text) => {
                    self.refused = None;
                    continue;
                }
                _ => {}
            }
            self.show(&event)?;
            if let Event::Line(raw) = &event
                && let Some(code) = Line::classify(raw).end()
            {
                if code < crate::wire::FIRST_FAILURE {
                    self.link.remember(command);
                }
                self.pager.flush().map_err(Failure::Output)?;
                return Ok(Next::Prompt);
            }
        }
    }

    /// Shows what came after the last reply.
    fn show_waiting(&mut self) -> Result<(), Failure> {
        self.pager.begin();
        while self.link.has_next() {
            if let Some(event) = self.link.next(Duration::ZERO) {
                self.show(&event)?;
            }
        }
        self.pager.flush().map_err(Failure::Output)
    }

    fn show(&mut self, event: &Event) -> Result<(), Failure> {
        let mut text = Vec::new();
        event.render(self.style, &mut text);
        if text.is_empty() { Ok(()) } else { self.pager.line(&text).map_err(Failure::Output) }
    }
}

/// Ctrl-C while no line is edited (the editor takes it as a key).
struct Interrupt {
    pressed: Arc<AtomicBool>,
    registration: signal_hook::SigId,
}

impl Interrupt {
    fn watch() -> std::io::Result<Self> {
        let pressed = Arc::new(AtomicBool::new(false));
        let registration = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&pressed))?;
        Ok(Self { pressed, registration })
    }

    fn take(&self) -> bool {
        self.pressed.swap(false, Ordering::Relaxed)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        signal_hook::low_level::unregister(self.registration);
    }
}

/// What came from the keyboard.
enum Typed {
    Line(String),
    /// `?` after this text.
    Question(String),
    Nothing,
    End,
}

/// The line editor with our keys and our history.
struct LineEditor {
    editor: Editor<Assistant, FileHistory>,
    question: Arc<Question>,
    history: Option<PathBuf>,
    /// What is in the line when it is offered next, left and right of the cursor.
    kept: (String, String),
}

impl LineEditor {
    fn new(options: &Options) -> Result<Self, Failure> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .auto_add_history(false)
            .history_ignore_space(true)
            .build();
        let mut editor = Editor::with_config(config).map_err(failed)?;
        // Without a limit the history file would grow for ever.
        editor.set_max_history_size(HISTORY_LENGTH).map_err(failed)?;
        let names = LiveNames::new(options.socket.clone());
        editor.set_helper(Some(Assistant { names, table: OnceLock::new() }));
        let question = Arc::new(Question { at: AtomicUsize::new(NOT_ASKED) });
        let key = Key::from(KeyEvent(KeyCode::Char('?'), Modifiers::NONE));
        editor.bind_sequence(key, EventHandler::Conditional(Box::new(QuestionKey(Arc::clone(&question)))));
        let history = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(HISTORY_FILE));
        if let Some(path) = &history {
            // There is none the first time.
            let _ = editor.load_history(path);
        }
        Ok(Self { editor, question, history, kept: Default::default() })
    }

    /// What prints above the line that is being edited.
    fn printer(&mut self) -> Printer {
        match self.editor.create_external_printer() {
            Ok(mut printer) => Box::new(move |text| {
                // If the terminal is gone, the editor notices.
                let _ = printer.print(text);
            }),
            Err(_) => Box::new(|text| {
                let _ = Tty.write(text.as_bytes());
            }),
        }
    }

    fn use_table(&mut self, table: impl Fn() -> Arc<Table> + Send + 'static) {
        if let Some(assistant) = self.editor.helper_mut() {
            let _ = assistant.table.set(Box::new(table));
        }
    }

    fn read(&mut self) -> Result<Typed, Failure> {
        let (left, right) = std::mem::take(&mut self.kept);
        match self.editor.readline_with_initial(PROMPT, (&left, &right)) {
            Ok(line) => match self.question.take() {
                Some(at) if line.is_char_boundary(at) => {
                    let (left, right) = line.split_at(at);
                    self.kept = (left.to_owned(), right.to_owned());
                    Ok(Typed::Question(left.to_owned()))
                }
                _ => {
                    self.add_to_history(&line);
                    Ok(Typed::Line(line))
                }
            },
            Err(ReadlineError::Interrupted) => Ok(Typed::Nothing),
            Err(ReadlineError::Eof) => Ok(Typed::End),
            Err(error) => Err(failed(error)),
        }
    }

    fn add_to_history(&mut self, line: &str) {
        let line = line.trim_end();
        if !line.is_empty()
            && matches!(self.editor.add_history_entry(line), Ok(true))
            && let Some(path) = &self.history
        {
            // A home that cannot be written to is no reason to stop working.
            let _ = self.editor.append_history(path);
        }
    }
}

fn failed(error: ReadlineError) -> Failure {
    Failure::Input(match error {
        ReadlineError::Io(error) => error,
        other => std::io::Error::other(other.to_string()),
    })
}

/// Where `?` was pressed in the line that the editor returns next.
struct Question {
    at: AtomicUsize,
}

const NOT_ASKED: usize = usize::MAX;

impl Question {
    fn take(&self) -> Option<usize> {
        match self.at.swap(NOT_ASKED, Ordering::Relaxed) {
            NOT_ASKED => None,
            at => Some(at),
        }
    }
}

/// `?` gives up the line with a note where it was pressed; inside a string it is a character.
struct QuestionKey(Arc<Question>);

impl ConditionalEventHandler for QuestionKey {
    fn handle(&self, _: &Key, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        let text = context.line().get(..context.pos())?;
        if complete::in_string(text) {
            return None;
        }
        self.0.at.store(context.pos(), Ordering::Relaxed);
        Some(Cmd::AcceptLine)
    }
}

/// Completion for the line editor.
struct Assistant {
    names: LiveNames,
    table: OnceLock<Box<dyn Fn() -> Arc<Table> + Send>>,
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (Some(text), Some(table)) = (line.get(..at), self.table.get()) else {
            return Ok((at, Vec::new()));
        };
        let (start, candidates) = complete::complete(&table(), &self.names, text);
        let glued = line.get(at..).is_some_and(|rest| rest.starts_with(char::is_whitespace));
        let (_, columns) = Tty.size();
        Ok((start, pairs(candidates, glued, columns)))
    }
}

/// Candidates as the editor wants them: one alone brings its blank, several are listed, with their help one per row.
fn pairs(candidates: Vec<Candidate>, glued: bool, columns: usize) -> Vec<Pair> {
    let alone = candidates.len() == 1 && !glued && !candidates.iter().any(|one| one.text.ends_with('/'));
    let helpful = candidates.iter().any(|candidate| !candidate.help.is_empty());
    let width = candidates.iter().map(|candidate| candidate.text.chars().count()).max().unwrap_or(0);
    let row = columns.saturating_sub(1);
    let pair = |Candidate { text, help }| {
        let display = if helpful {
            // More than half a screen wide, so that the editor makes one column.
            let mut display: String = format!("{text:width$}  {help}").chars().take(row).collect();
            display.extend(std::iter::repeat_n(' ', (columns / 2).saturating_sub(display.chars().count())));
            display
        } else {
            text.clone()
        };
        Pair { display, replacement: if alone { text + " " } else { text } }
    };
    candidates.into_iter().map(pair).collect()
}

impl rustyline::hint::Hinter for Assistant {
    type Hint = String;
}

impl rustyline::highlight::Highlighter for Assistant {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        Cow::Borrowed(prompt)
    }
}

impl rustyline::validate::Validator for Assistant {}

impl rustyline::Helper for Assistant {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_ask_for_what_was_refused() {
        assert!(
            asks_for_filtered("show route filtered") && asks_for_filtered("show route table t filtered all")
        );
        assert!(!asks_for_filtered("show route") && !asks_for_filtered("show filtered"));
    }

    fn listed(texts: &[(&str, &str)], glued: bool) -> Vec<(String, String)> {
        let candidate =
            |(text, help): &(&str, &str)| Candidate { text: (*text).into(), help: (*help).into() };
        let pairs = pairs(texts.iter().map(candidate).collect(), glued, 20);
        pairs.into_iter().map(|pair| (pair.display, pair.replacement)).collect()
    }

    #[test]
    fn one_candidate_brings_its_blank() {
        assert_eq!(listed(&[("s1", "")], false), [("s1".into(), "s1 ".into())]);
        assert_eq!(listed(&[("s1", "")], true), [("s1".into(), "s1".into())]);
        assert_eq!(listed(&[("\"bird.d/", "")], false), [("\"bird.d/".into(), "\"bird.d/".into())]);
    }

    #[test]
    fn several_are_listed_with_their_help() {
        let rows = listed(&[("status", "Show router status, long"), ("s1", "")], false);
        assert_eq!(rows[0], ("status  Show router".into(), "status".into()));
        assert_eq!(rows[1], ("s1        ".into(), "s1".into()));
    }
}

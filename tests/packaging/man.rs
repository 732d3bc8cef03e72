//! The manual pages, in man(7).

use std::fmt::Write;

use tern::control::command::{self, Kind};
use tern::filter::attributes::{ATTRIBUTES, FIELDS};

/// Arguments of options whose row in the table of keys does not read well in a manual; by key.
const ARGUMENTS: &[(&str, &str)] = &[
    (
        "log",
        "\"FILE\" [SIZE \"BACKUP\"] CLASSES | fixed \"FILE\" SIZE CLASSES | stderr CLASSES | syslog [name \"NAME\"] CLASSES | udp HOST [port N] CLASSES",
    ),
    ("timeformat", "protocol|route|base|log iso short|long [ms|us] | \"FORMAT\" [SECONDS \"FORMAT\"]"),
    ("cli", "\"SOCKET\" [{ restrict; v2 attributes; }]"),
    ("mrtdump", "\"FILE\""),
    ("bt test suite", "(FUNCTION, \"NAME\")"),
    ("bt test same", "(FUNCTION, FUNCTION, N)"),
    ("label range", "NAME { start N; length N; } in a domain, static|dynamic|NAME in a channel"),
    ("import limit", "off | N [action warn|block|restart|disable]"),
    ("export limit", "off | N [action warn|block|restart|disable]"),
    ("receive limit", "off | N [action warn|block|restart|disable]"),
    ("export in", "PREFIX all | none | filter NAME | where CONDITION"),
    ("import in", "PREFIX all | none | filter NAME | where CONDITION"),
    ("interface", "\"PATTERN\"[, ...], in device: [{ preferred ADDRESS; }]"),
    ("mpls", "LABEL[/LABEL ...]"),
    ("dev", "\"INTERFACE\""),
    ("description", "\"TEXT\""),
    ("hostname", "\"TEXT\""),
    ("vrf", "\"INTERFACE\" | default"),
    ("router id", "ADDRESS"),
    ("preferred", "ADDRESS"),
];

/// Where options stand, as headings.
const PLACES: &[(&str, &str)] = &[
    ("top", "AT THE TOP OF THE FILE"),
    ("table", "TABLES"),
    ("protocol", "ALL PROTOCOLS"),
    ("channel", "CHANNELS"),
    ("device", "PROTOCOL DEVICE"),
    ("direct", "PROTOCOL DIRECT"),
    ("kernel", "PROTOCOL KERNEL"),
    ("static", "PROTOCOL STATIC"),
    ("next hop", "NEXT HOPS OF STATIC ROUTES"),
    ("pipe", "PROTOCOL PIPE"),
];

fn escape(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace("...", "\\&...")
}

fn head(page: &mut String, name: &str, section: u8, what: &str) {
    let version = env!("CARGO_PKG_VERSION");
    let title = name.to_uppercase();
    let _ = write!(
        page,
        ".\\\" Made from the tables of the programs: BLESS=1 cargo test --test packaging\n\
         .TH {title} {section} \"\" \"Tern {version}\" \"System Administration\"\n.SH NAME\n{} \\- {}\n",
        escape(name),
        escape(what)
    );
}

fn section(page: &mut String, title: &str, paragraphs: &[&str]) {
    let _ = writeln!(page, ".SH {title}");
    for (at, text) in paragraphs.iter().enumerate() {
        if at > 0 {
            page.push_str(".PP\n");
        }
        let _ = writeln!(page, "{}", escape(text));
    }
}

fn item(page: &mut String, tag: &str, text: &str) {
    let _ = writeln!(page, ".TP\n.B {}\n{}", escape(tag).replace('"', "\\(dq"), escape(text));
}

/// bird(8)
pub(crate) fn bird() -> String {
    let mut page = String::new();
    head(&mut page, "bird", 8, "routing daemon");
    section(&mut page, "SYNOPSIS", &["bird [OPTION...]"]);
    section(
        &mut page,
        "DESCRIPTION",
        &[
            "Reads its configuration, keeps the routing tables of the kernel in step with its own, and answers birdc(8) on a socket. \
             Takes the place of BIRD 2: same configuration, same commands, same output.",
            "Without -f or -d the daemon goes to the background: the command returns when the configuration is good and the control socket is there.",
        ],
    );
    section(&mut page, "OPTIONS", &[]);
    for flag in tern::options::FLAGS {
        item(&mut page, flag.synopsis, &format!("{}.", flag.help));
    }
    section(&mut page, "SIGNALS", &[]);
    item(&mut page, "HUP", "Reads the configuration again, as the command configure does.");
    item(
        &mut page,
        "TERM, INT",
        "Ends the daemon; its routes leave the kernel, unless the kernel protocol says persist.",
    );
    item(&mut page, "USR1", "Writes the state of the daemon to the log.");
    section(
        &mut page,
        "EXIT STATUS",
        &[
            "0 when all went well; 1 when the configuration is refused, the socket cannot be made, or another daemon has it. \
           With -p: 0 for a good configuration, 1 for a wrong one, and the first mistake on standard error as FILE:LINE:COLUMN and a message; \
           on a terminal or with --explain, all mistakes with the lines around them and what to do.",
        ],
    );
    section(&mut page, "FILES", &[]);
    item(&mut page, tern::options::DEFAULT_CONFIG, "The configuration, see bird.conf(5).");
    item(&mut page, &birdc::options::default_socket().to_string_lossy(), "The control socket.");
    section(&mut page, "SEE ALSO", &["birdc(8), bird.conf(5)"]);
    page
}

/// birdc(8)
pub(crate) fn birdc() -> String {
    let mut page = String::new();
    head(&mut page, "birdc", 8, "shell of the routing daemon bird");
    let usage = birdc::options::usage();
    let usage = usage.trim_start_matches("Usage: ");
    section(&mut page, "SYNOPSIS", &[&format!("{usage} [COMMAND...]")]);
    section(
        &mut page,
        "DESCRIPTION",
        &[
            "Sends commands to a running daemon and shows its answers. With a command, it is carried out and birdc ends. Without one, commands are read \
             from the terminal, with line editing, history, completion (Tab) and help (?), or from standard input if that is no terminal.",
            "Words of commands may be shortened as long as they are unique: sh pr is show protocols.",
        ],
    );
    section(&mut page, "OPTIONS", &[]);
    for flag in birdc::options::FLAGS {
        let argument = flag.argument.map(|name| format!(" <{name}>")).unwrap_or_default();
        item(&mut page, &format!("-{}{argument}", flag.letter), &format!("{}.", capital(flag.help)));
    }
    section(
        &mut page,
        "COMMANDS",
        &["A restricted session (-r, or the command restrict) is denied those marked with a star."],
    );
    for command in command::commands() {
        let star = match command.kind {
            Kind::Heading | Kind::Hidden(_) => continue,
            Kind::Look(_) => "",
            Kind::Change(_) => " *",
        };
        item(
            &mut page,
            format!("{} {}{star}", command.words, command.args).trim(),
            &format!("{}.", command.help),
        );
    }
    section(
        &mut page,
        "EXIT STATUS",
        &["With a command: 0 if it succeeded, 1 if the daemon refused it or cannot be reached. \
           With commands from standard input: 0 at its end, 1 if the connection is lost."],
    );
    section(&mut page, "FILES", &[]);
    item(&mut page, &birdc::options::default_socket().to_string_lossy(), "The control socket.");
    item(&mut page, "~/.birdc_history", "Commands typed before. Lines that begin with a blank are not kept.");
    section(&mut page, "SEE ALSO", &["bird(8), bird.conf(5)"]);
    page
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}

/// The rows of `grammar/KEYS.md`: key, arguments, places.
fn keys() -> Vec<(String, String, Vec<String>)> {
    let table = include_str!("../../grammar/KEYS.md").replace("\\|", "\u{1}");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<String> = row.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect();
        let places = cells[3].split(',').map(|place| place.trim().to_owned()).collect();
        (cells[1].replace('`', ""), cells[2].clone(), places)
    })
    .collect()
}

/// What follows the words of an option.
fn arguments(key: &str, cell: &str) -> String {
    if let Some((_, text)) = ARGUMENTS.iter().find(|(k, _)| *k == key) {
        return (*text).to_owned();
    }
    let mut text = cell.replace('`', "").replace(" or ", " | ");
    for (from, to) in [
        ("Expr", "N"),
        ("Switch", "[yes|no]"),
        ("Time", "N s|ms|us"),
        ("Name", "NAME"),
        ("Mask", "all | off | { WORD, ... }"),
        ("Policy", "all | none | filter NAME | where CONDITION"),
        ("Patterns", "\"PATTERN\"[, ...]"),
        ("Net", "PREFIX"),
    ] {
        text = text.replace(from, to);
    }
    while let Some(at) = text.find("Word(") {
        let end = text[at..].find(')').map_or(text.len(), |n| at + n);
        text = format!("{}{}{}", &text[..at], &text[at + 5..end], text.get(end + 1..).unwrap_or_default());
    }
    text
}

/// bird.conf(5)
pub(crate) fn conf() -> String {
    let mut page = String::new();
    head(&mut page, "bird.conf", 5, "configuration of the routing daemon bird");
    section(
        &mut page,
        "DESCRIPTION",
        &[
            "Statements of the language of BIRD, 2.19 and 3.3 together. Comments begin with # or stand between /* and */; every option ends with a semicolon. \
             Names must be defined above their first use. include \"FILE\"; reads other files, wildcards allowed. bird -p checks a file and says what is wrong.",
            "Below, N is a number, the name of a constant, or a calculation in round brackets; [ ] may be left out; a switch without a word means yes. \
             Times have a unit: s, ms or us.",
        ],
    );
    let _ = write!(
        page,
        ".SH EXAMPLE\n.nf\nrouter id 192.0.2.1;\nprotocol device {{ }}\nprotocol direct {{ ipv4; ipv6; }}\nprotocol kernel {{ ipv4 {{ export all; }}; }}\n\
         protocol static {{ ipv4; route 198.51.100.0/24 via 192.0.2.254; }}\n.fi\n"
    );
    let rows = keys();
    for (key, _) in ARGUMENTS {
        assert!(rows.iter().any(|(k, ..)| k == key), "{key} is no option");
    }
    for (place, title) in PLACES {
        section(&mut page, title, &[]);
        for (key, cell, _) in rows.iter().filter(|(_, _, places)| places.iter().any(|p| p == place)) {
            let what =
                if unbuilt(place, key) { "Taken and checked, without effect yet." } else { describe(key) };
            let arguments = match (*place, key.as_str()) {
                ("protocol", "mrtdump") => "all | off | { WORD, ... }".to_owned(),
                _ => arguments(key, cell),
            };
            let tag = format!("{key} {arguments}");
            let _ = writeln!(page, ".TP\n.B {};\n{what}", escape(tag.trim()).replace('"', "\\(dq"));
        }
    }
    section(
        &mut page,
        "FILTERS",
        &[
            "filter NAME { ... } decides about routes with accept and reject; function NAME(TYPE NAME; ...) { return ...; } computes something. \
           Commands are assignments, if ... then ... else ..., case, for TYPE NAME in LIST do ..., print, and calls of functions and methods. \
           The attributes of a route that they read and set:",
        ],
    );
    let fields = FIELDS.iter().map(|f| (f.name, f.ty.to_string(), f.doc));
    for (name, ty, doc) in fields.chain(ATTRIBUTES.iter().map(|a| (a.name, a.ty.to_string(), a.doc))) {
        item(&mut page, &format!("{name} ({ty})"), &doc.replace('`', ""));
    }
    section(&mut page, "FILES", &[]);
    item(&mut page, tern::options::DEFAULT_CONFIG, "Read unless bird is told otherwise by -c.");
    item(&mut page, "/usr/share/doc/tern", "Pages about each protocol, filters, and differences from BIRD.");
    section(&mut page, "SEE ALSO", &["bird(8), birdc(8)"]);
    page
}

/// Whether `doc/compatibility.md` lists the option of this place among those without effect.
fn unbuilt(place: &str, key: &str) -> bool {
    let row = match place {
        "top" => "| top level |",
        "protocol" => "| protocols |",
        "table" => "| tables |",
        _ => return false,
    };
    let page = include_str!("../../doc/compatibility.md");
    page.lines().any(|line| line.starts_with(row) && line.contains(&format!("`{key}`")))
}

/// A line about an option, where its words do not say everything.
fn describe(key: &str) -> &'static str {
    match key {
        "log" => {
            "Writes messages of these classes there. CLASSES is all or a list in braces of debug, trace, info, remote, warning, error, auth, fatal, bug."
        }
        "router id" => {
            "The number of this router, written as an IPv4 address. By default the lowest address of its interfaces."
        }
        "router id from" => "Chooses the router id among the addresses of these interfaces.",
        "timeformat" => "How times are written in answers, and from which age on as a date.",
        "cli" => "Another control socket, perhaps one on which nothing can be changed.",
        "watchdog warning" => "Warns in the log when a turn of the daemon takes longer.",
        "watchdog timeout" => "Ends the daemon when a turn takes longer.",
        "table" => "The table of this channel; by default master4, master6 and the like.",
        "import" => "Which routes go from the protocol into the table.",
        "export" => "Which routes go from the table to the protocol.",
        "import keep filtered" => {
            "Routes that the filter rejects stay in the table, marked; show route filtered lists them."
        }
        "preference" => "Routes of the higher preference win.",
        "disabled" => "The protocol waits for the command enable.",
        "description" => "Shown by show protocols all.",
        "vrf" => "The protocol sees interfaces of this VRF only.",
        "scan time" => "Seconds between scans of interfaces or of the table of the kernel.",
        "persist" => "Routes stay in the kernel when the daemon ends.",
        "learn" => "Takes routes of others from the table of the kernel.",
        "merge paths" => "Routes of equal worth become one with several next hops.",
        "kernel table" => "The number of the table in the kernel.",
        "metric" => "The metric of routes in the kernel.",
        "peer table" => "The other table of the pipe.",
        "igp table" => "The table in which gateways of recursive routes are looked up.",
        "check link" => "Routes over interfaces without a carrier are taken back.",
        "sorted" => "Routes of a net are kept in order of preference.",
        "debug" => "What is traced in the log: states, routes, filters, interfaces, events, packets.",
        "onlink" => "The gateway is taken for a neighbour although no address covers it.",
        "weight" => "The share of this next hop, from 1 to 256.",
        _ => "\\&",
    }
}

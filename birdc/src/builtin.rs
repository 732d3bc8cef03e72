//! BIRD's own commands (2.19, and what 3.3 adds), for daemons that do not tell theirs.
//!
//! The order is the one in which lists show them. A daemon of another version answers what it does not know
//! with a syntax error, so a few commands too many do no harm.

/// Words that yield to others of the same beginning, so that `show r` is `show route`.
pub const YIELDING: [&str; 2] = ["roa", "rip"];

const PROTOCOLS: &str = "(<protocol> | \"<pattern>\" | all) [\"<message>\"]";
const RELOAD: &str = "<protocol> | \"<pattern>\" | all";
const CONFIGURE: &str = "[\"<file>\"] [timeout [<seconds>]]";
const OSPF: &str = "[all] [<name>]";

/// Words, arguments, help. `...` for arguments makes a heading.
pub static COMMANDS: &[[&str; 3]] = &[
    ["show", "...", "Show the state of the daemon"],
    ["show status", "", "Show router status"],
    ["show memory", "", "Show what the memory is used for"],
    ["show protocols", "[<protocol> | \"<pattern>\"]", "Show protocols, a line for each"],
    ["show protocols all", "[<protocol> | \"<pattern>\"]", "Show protocols with channels and counters"],
    ["show interfaces", "", "Show network interfaces and their addresses"],
    ["show interfaces summary", "", "Show network interfaces, a line for each"],
    ["show route", "...", "Show routes"],
    [
        "show route",
        "[<prefix> | for <prefix> | for <ip> | in <prefix>] [table <t>] [(import|export) table <p>.<c>] \
         [filter <f> | where <cond>] [all] [primary] [filtered] [(export|preexport|noexport|exported) <p>] \
         [protocol <p>] [stats|count]",
        "Show routes",
    ],
    ["show symbols", "...", "Show names and what they stand for"],
    [
        "show symbols",
        "[table|filter|function|protocol|template|<symbol>]",
        "Show names and what they stand for",
    ],
    ["show bfd", "...", "Show the state of BFD"],
    ["show bfd sessions", "[<name>] [all] [interface \"<interface>\"]", "Show BFD sessions"],
    ["show babel", "...", "Show the state of Babel"],
    ["show babel interfaces", "[<name>] [\"<interface>\"]", "Show interfaces that run Babel"],
    ["show babel neighbors", "[<name>] [\"<interface>\"]", "Show Babel neighbours"],
    ["show babel entries", "[<name>]", "Show Babel's entries"],
    ["show babel routes", "[<name>]", "Show routes heard through Babel"],
    ["show ospf", "...", "Show the state of OSPF"],
    ["show ospf", "[<name>]", "Show an OSPF protocol and its areas"],
    ["show ospf neighbors", "[<name>] [\"<interface>\"]", "Show OSPF neighbours"],
    ["show ospf interface", "[<name>] [\"<interface>\"]", "Show interfaces that run OSPF"],
    ["show ospf topology", OSPF, "Show the routers that can be reached, and their links"],
    ["show ospf state", OSPF, "Show the link state of what can be reached"],
    ["show ospf lsadb", "...", "Show the link state database"],
    [
        "show ospf lsadb",
        "[global | area <id> | link] [type <num>] [lsid <id>] [self | router <id>] [<proto>]",
        "Show the link state database",
    ],
    ["show rip", "...", "Show the state of RIP"],
    ["show rip interfaces", "[<name>] [\"<interface>\"]", "Show interfaces that run RIP"],
    ["show rip neighbors", "[<name>] [\"<interface>\"]", "Show RIP neighbours"],
    ["show static", "[<name>]", "Show the routes of a static protocol"],
    ["show mpls", "...", "Show the state of MPLS"],
    ["show mpls ranges", "[<name>]", "Show ranges of MPLS labels"],
    ["show threads", "[all]", "Show threads (BIRD 3)"],
    ["dump", "...", "Write the daemon's state to a file"],
    ["dump resources", "\"<file>\"", "Write all resources to a file"],
    ["dump sockets", "\"<file>\"", "Write open sockets to a file"],
    ["dump ao keys", "\"<file>\"", "Write TCP-AO keys to a file"],
    ["dump events", "\"<file>\"", "Write queued events to a file"],
    ["dump interfaces", "\"<file>\"", "Write interfaces to a file"],
    ["dump neighbors", "\"<file>\"", "Write neighbours to a file"],
    ["dump attributes", "\"<file>\"", "Write attribute sets to a file"],
    ["dump routes", "\"<file>\"", "Write routes to a file"],
    ["dump tables", "\"<file>\"", "Write routing tables to a file (BIRD 3)"],
    ["dump protocols", "\"<file>\"", "Write protocols to a file"],
    ["dump filter all", "\"<file>\"", "Write compiled filters to a file"],
    ["eval", "<expr>", "Compute an expression"],
    ["echo", "...", "Choose the log messages that this session shows"],
    [
        "echo",
        "(all | off | { debug|trace|info|remote|warning|error|auth|fatal|bug [, ...] }) [<buffer-size>]",
        "Choose the log messages that this session shows",
    ],
    ["disable", PROTOCOLS, "Stop a protocol"],
    ["enable", PROTOCOLS, "Start a disabled protocol"],
    ["restart", PROTOCOLS, "Stop a protocol and start it again"],
    ["reload", RELOAD, "Let routes pass the filters again"],
    ["reload in", RELOAD, "Let imported routes pass the filters again"],
    ["reload out", RELOAD, "Let exported routes pass the filters again"],
    [
        "reload filters",
        "[in|out] (<protocol> | \"<pattern>\" | all)",
        "Let routes pass the filters again (BIRD 3)",
    ],
    ["debug", "...", "Choose what protocols log"],
    [
        "debug",
        "(<protocol> | <channel> | \"<pattern>\" | all) \
         (all | off | { states|routes|filters|interfaces|events|packets [, ...] })",
        "Choose what protocols log",
    ],
    ["mrtdump", "...", "Choose what protocols write to the MRT file"],
    [
        "mrtdump",
        "(<protocol> | \"<pattern>\" | all) (all | off | { states|messages [, ...] })",
        "Choose what protocols write to the MRT file",
    ],
    ["mrt", "...", "Write tables in MRT format"],
    [
        "mrt dump",
        "[table <t> | \"<pattern>\"] [to \"<file>\"] [filter <f> | where <cond>]",
        "Write tables to a file in MRT format",
    ],
    ["restrict", "", "Allow this session only what changes nothing"],
    ["timeformat", "\"<format>\"", "Choose how this session shows times"],
    ["configure", "...", "Read the configuration"],
    ["configure", CONFIGURE, "Read the configuration and carry out what changed"],
    ["configure soft", CONFIGURE, "The same, without reloading for changed filters"],
    ["configure timeout", "[<seconds>]", "The same, to be undone unless confirmed in time"],
    ["configure soft timeout", "[<seconds>]", "Soft, to be undone unless confirmed in time"],
    ["configure confirm", "", "Keep the last change, do not undo it"],
    ["configure undo", "", "Go back to the configuration before the last change"],
    ["configure status", "", "Show whether a change is in progress or unconfirmed"],
    ["configure check", "[\"<file>\"]", "Read the configuration, but change nothing"],
    ["down", "", "Shut the daemon down"],
    ["graceful restart", "", "Shut the daemon down, to be restarted without loss of routes"],
];

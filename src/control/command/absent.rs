//! Commands of protocol kinds that are not built: they answer what BIRD answers where none of the kind runs,
//! so that a name of another protocol, a pattern for interfaces or a wrong word is judged as ever.

use super::args::{Args, Refusal};
use super::lex::Token;
use super::{Command, Parsed, change, heading, look};

const NAME: &str = "[<name>]";
const NAME_IFACE: &str = "[<name>] [\"<interface>\"]";
const ALL_NAME: &str = "[all] [<name>]";

pub(super) static COMMANDS: &[Command] = &[
    heading("show bfd", "Show the state of BFD"),
    look("show bfd sessions", "[<name>] [all] [interface \"<interface>\"]", "Show BFD sessions", |a| {
        none(a, "BFD")
    }),
    heading("show babel", "Show the state of Babel"),
    look("show babel interfaces", NAME_IFACE, "Show interfaces that run Babel", |a| none(a, "Babel")),
    look("show babel neighbors", NAME_IFACE, "Show Babel neighbours", |a| none(a, "Babel")),
    look("show babel entries", NAME, "Show Babel's entries", |a| none(a, "Babel")),
    look("show babel routes", NAME, "Show routes heard through Babel", |a| none(a, "Babel")),
    heading("show ospf", "Show the state of OSPF"),
    look("show ospf", NAME, "Show an OSPF protocol and its areas", |a| none(a, "OSPF")),
    look("show ospf neighbors", NAME_IFACE, "Show OSPF neighbours", |a| none(a, "OSPF")),
    look("show ospf interface", NAME_IFACE, "Show interfaces that run OSPF", |a| none(a, "OSPF")),
    look("show ospf topology", ALL_NAME, "Show the routers that can be reached, and their links", |a| {
        none(a, "OSPF")
    }),
    look("show ospf state", ALL_NAME, "Show the link state of what can be reached", |a| none(a, "OSPF")),
    heading("show ospf lsadb", "Show the link state database"),
    look(
        "show ospf lsadb",
        "[global | area <id> | link] [type <num>] [lsid <id>] [self | router <id>] [<proto>]",
        "Show the link state database",
        lsadb,
    ),
    heading("show rip", "Show the state of RIP"),
    look("show rip interfaces", NAME_IFACE, "Show interfaces that run RIP", |a| none(a, "RIP")),
    look("show rip neighbors", NAME_IFACE, "Show RIP neighbours", |a| none(a, "RIP")),
    heading("show mpls", "Show the state of MPLS"),
    look("show mpls ranges", NAME, "Show ranges of MPLS labels", mpls),
    heading("mrt", "Write tables in MRT format"),
    change(
        "mrt dump",
        "[table <t> | \"<pattern>\"] [to \"<file>\"] [filter <f> | where <cond>]",
        "Write tables to a file in MRT format",
        |_| Err(Refusal::parse("MRT table dumps are not built into this daemon")),
    ),
];

fn none(args: &mut Args<'_>, kind: &str) -> Parsed {
    args.word("all");
    args.protocol_of(kind)?;
    args.word("all");
    if args.word("interface") && args.text()?.is_none() {
        return Err(args.unexpected("an interface pattern in quotes"));
    }
    args.text()?;
    args.end()?;
    Err(Refusal::parse(format!("There is no {kind} protocol running")))
}

fn lsadb(args: &mut Args<'_>) -> Parsed {
    loop {
        if args.word("global") || args.word("link") || args.word("self") {
            continue;
        }
        let valued = ["area", "type", "lsid", "router"].into_iter().find(|w| args.word(w));
        match (valued, args.peek()) {
            (Some(_), Token::Number(_) | Token::Ip(_)) => drop(args.take()),
            (Some(_), _) => return Err(args.unexpected("a number or an address")),
            (None, _) => return none(args, "OSPF"),
        }
    }
}

fn mpls(args: &mut Args<'_>) -> Parsed {
    use crate::control::view::SymbolClass;
    if !args.at_end() {
        args.name("an MPLS domain", |class| *class == SymbolClass::MplsDomain)?;
    }
    args.end()?;
    if args.scope().list().iter().any(|(_, class)| *class == SymbolClass::MplsDomain) {
        return Err(Refusal::parse("MPLS label ranges are not built into this daemon"));
    }
    Err(Refusal::parse("No MPLS domain defined"))
}

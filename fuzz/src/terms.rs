//! Terms of every type, made of choices. Nearly all of them type-check, so that the fuzzer's time goes into what runs.
//!
//! Literals are put between marks that no source holds. [`shown`] takes the marks away; [`hidden`] makes calls of functions of them that give back
//! their argument, which nobody computes beforehand: a term must come to the same either way.

use std::fmt::Write;

use super::choices::Choices;

/// The types a term can have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Bool,
    Int,
    Pair,
    Quad,
    Ip,
    Prefix,
    Rd,
    Mac,
    Str,
    Bytes,
    Ec,
    Lc,
    Path,
    Mask,
    Clist,
    Eclist,
    Lclist,
    Source,
    Origin,
    IntSet,
    PairSet,
    IpSet,
    RdSet,
    EcSet,
    LcSet,
    SourceSet,
    PrefixSet,
}

use Kind::*;

/// All of them, with the words they are declared with.
pub const KINDS: [(Kind, &str); 27] = [
    (Int, "int"),
    (Bool, "bool"),
    (Pair, "pair"),
    (Quad, "quad"),
    (Ip, "ip"),
    (Prefix, "prefix"),
    (Rd, "rd"),
    (Mac, "mac"),
    (Str, "string"),
    (Bytes, "bytestring"),
    (Ec, "ec"),
    (Lc, "lc"),
    (Path, "bgppath"),
    (Mask, "bgpmask"),
    (Clist, "clist"),
    (Eclist, "eclist"),
    (Lclist, "lclist"),
    (Source, "enum rts"),
    (Origin, "enum bgp_origin"),
    (IntSet, "int set"),
    (PairSet, "pair set"),
    (IpSet, "ip set"),
    (RdSet, "rd set"),
    (EcSet, "ec set"),
    (LcSet, "lc set"),
    (SourceSet, "enum rts set"),
    (PrefixSet, "prefix set"),
];

impl Kind {
    /// Its place in [`KINDS`], which names functions and attributes.
    pub fn number(self) -> usize {
        KINDS.iter().position(|(kind, _)| *kind == self).unwrap_or(0)
    }

    /// How it is declared.
    pub fn word(self) -> &'static str {
        KINDS[self.number()].1
    }
}

/// Before a literal stands this, the letter of its type, and behind it [`CLOSE`].
const OPEN: char = '\u{1}';
const CLOSE: char = '\u{2}';

fn letter(kind: Kind) -> char {
    char::from(b'A' + kind.number() as u8)
}

fn literal(kind: Kind, text: &str) -> String {
    format!("{OPEN}{}{text}{CLOSE}", letter(kind))
}

/// A text with its literals as they are.
pub fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            OPEN => _ = chars.next(),
            CLOSE => {}
            c => out.push(c),
        }
    }
    out
}

/// A text with its literals behind functions.
pub fn hidden(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            OPEN => {
                let number = chars.next().map_or(0, |c| c as u8 - b'A');
                let _ = write!(out, "hide{number}(");
            }
            CLOSE => out.push_str(", 1)"),
            c => out.push(c),
        }
    }
    out
}

/// A text with one of its literals replaced by another one of its type, counted from some place; `None` if there is none.
pub fn changed(text: &str, from: usize) -> Option<String> {
    let places: Vec<usize> = text.match_indices(OPEN).map(|(at, _)| at).collect();
    let at = *places.get(from % places.len().max(1))?;
    let kind = KINDS.get(usize::from(*text.as_bytes().get(at + 1)? - b'A'))?.0;
    let end = at + text.get(at..)?.find(CLOSE)?;
    let other = match kind {
        Bool if text.get(at + 2..end) == Some("true") => "false",
        Bool => "true",
        Int => "12345",
        Pair => "(7, 77)",
        Quad | Ip => "10.9.8.7",
        Prefix => "10.9.8.0/24",
        Rd => "7:77",
        Mac => "02:00:00:00:00:07",
        Str => "\"other\"",
        Bytes => "hex:070707",
        Ec => "(rt, 7, 77)",
        Lc => "(7, 77, 777)",
        Source => "RTS_BABEL",
        Origin => "ORIGIN_EGP",
        IntSet => "[7, 10..65000]",
        PairSet => "[(7, 77), (1, *)]",
        IpSet => "[10.9.8.7]",
        RdSet => "[7:77]",
        EcSet => "[(rt, 7, *)]",
        LcSet => "[(7, *, *)]",
        SourceSet => "[RTS_BABEL]",
        PrefixSet => "[10.0.0.0/8{9,24}]",
        _ => return None,
    };
    Some(format!("{}{other}{}", &text[..at], &text[end..]))
}

/// What a program needs beside itself: the functions that [`hidden`] calls, those that give back their argument or nothing, and attributes.
pub fn preamble(program: &str) -> String {
    let (program, mut text) = (hidden(program), String::new());
    for (number, (_, word)) in KINDS.iter().enumerate() {
        let mut define = |name: &str, definition: String| {
            if program.contains(&format!("{name}{number}")) {
                text.push_str(&definition);
            }
        };
        define("own", format!("attribute {word} own{number};\n"));
        define(
            "hide",
            format!(
                "function hide{number}({word} x; int n) -> {word} {{ if n > 0 then return hide{number}(x, n - 1); return x; }}\n"
            ),
        );
        define("same", format!("function same{number}({word} x) -> {word} {{ return x; }}\n"));
        define("none", format!("function none{number}() -> {word} {{ }}\n"));
    }
    text
}

const INTS: [&str; 22] = [
    "0",
    "1",
    "2",
    "3",
    "5",
    "7",
    "8",
    "10",
    "24",
    "32",
    "33",
    "100",
    "255",
    "65000",
    "65535",
    "65536",
    "65537",
    "1048575",
    "16777216",
    "2147483648",
    "4294967295",
    "0x10",
];
const HALVES: [&str; 8] = ["0", "1", "2", "3", "5", "10", "100", "65535"];
const IPS: [&str; 14] = [
    "0.0.0.0",
    "1.2.3.4",
    "10.0.0.1",
    "192.0.2.1",
    "192.0.2.9",
    "198.51.100.7",
    "255.255.255.255",
    "::",
    "::1",
    "2001:db8::1",
    "fe80::1",
    "::ffff:1.2.3.4",
    "2001:db8:1:2:3:4:5:6",
    "ff02::1",
];
const NETS4: [&str; 10] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.2.0/24",
    "10.1.2.3/32",
    "192.168.0.0/16",
    "128.0.0.0/1",
    "1.2.3.4/32",
    "10.0.0.0/9",
    "10.128.0.0/9",
];
const NETS6: [&str; 7] =
    ["::/0", "2001:db8::/32", "2001:db8:1::/48", "::1/128", "fe80::/10", "8000::/1", "::ffff:0:0/96"];
/// Nets of the other types.
pub const NETS: [&str; 20] = [
    "10.0.0.0/8 max 24 as 65000",
    "2001:db8::/32 max 48 as 1",
    "1:2 10.0.0.0/8",
    "2:65536:3 2001:db8::/32",
    "10.0.0.1:5 10.1.0.0/16",
    "2001:db8::/32 from 2001:db8:1::/48",
    "flow4 { dst 10.0.0.0/8; src 10.1.2.0/24; proto = 6; dport 80, > 1024 && < 2048; }",
    "flow4 { tcp flags 0x3/0x3; fragment !is_fragment; length 40..1500; }",
    "flow6 { dst 2001:db8::/32; next header 17; label 1..5; }",
    "flow6 { src ::1/128; dscp 5; icmp type 3; }",
    "eth 00:11:22:33:44:55 vlan 5",
    "eth ff:ff:ff:ff:ff:ff",
    "mpls 100",
    "aspa 65000",
    "evpn ead 1:2 5 hex:00:11:22:33:44:55:66:77:88:99",
    "evpn mac 1:2 5 00:11:22:33:44:55 *",
    "evpn mac 1:2 5 00:11:22:33:44:55 10.0.0.1",
    "evpn imet 1:2 5 2001:db8::1",
    "evpn es 1:2 hex:00:11:22:33:44:55:66:77:88:99 10.0.0.1",
    "neighbor 10.0.0.1 % 2",
];
const RDS: [&str; 9] = [
    "1:2",
    "0:1:2",
    "2:1:2",
    "65535:4294967295",
    "65536:1",
    "10.0.0.1:5",
    "4294967295:65535",
    "2:65000:7",
    "0:0:0",
];
const MACS: [&str; 3] = ["00:11:22:33:44:55", "ff:ff:ff:ff:ff:ff", "02:00:00:00:00:01"];
const TEXTS: [&str; 14] = [
    "\"\"",
    "\"a\"",
    "\"abc\"",
    "\"*\"",
    "\"a*\"",
    "\"?b?\"",
    "\"A\"",
    "\"a b\"",
    "\"x*z\"",
    "\"\\*\"",
    "\"\\\"",
    "\"0aff\"",
    "\"v0\"",
    "\"gr\u{fc}n\"",
];
const BYTES: [&str; 4] =
    ["hex:", "hex:0aff", "hex:00112233445566778899", "hex:00:11:22:33:44:55:66:77:88:99"];
const SOURCES: [&str; 6] =
    ["RTS_STATIC", "RTS_BGP", "RTS_DEVICE", "RTS_INHERIT", "RTS_AGGREGATED", "RTS_PIPE"];
const ORIGINS: [&str; 3] = ["ORIGIN_IGP", "ORIGIN_EGP", "ORIGIN_INCOMPLETE"];

/// Attributes and fields by type.
const READABLE: [(Kind, &str); 59] = [
    (Int, "bgp_med"),
    (Prefix, "net"),
    (Path, "bgp_path"),
    (Clist, "bgp_community"),
    (Eclist, "bgp_ext_community"),
    (Lclist, "bgp_large_community"),
    (Int, "preference"),
    (Ip, "gw"),
    (Ip, "from"),
    (Str, "ifname"),
    (Str, "proto"),
    (Int, "ifindex"),
    (Int, "weight"),
    (Bool, "onlink"),
    (Int, "gw_mpls"),
    (Clist, "gw_mpls_stack"),
    (Source, "source"),
    (Int, "bgp_local_pref"),
    (Int, "igp_metric"),
    (Int, "krt_metric"),
    (Int, "krt_lock"),
    (Int, "krt_features"),
    (Int, "ospf_metric1"),
    (Int, "ospf_tag"),
    (Int, "rip_metric"),
    (Int, "bgp_otc"),
    (Int, "mpls_label"),
    (Int, "local_metric"),
    (Origin, "bgp_origin"),
    (Ip, "bgp_next_hop"),
    (Ip, "krt_prefsrc"),
    (Quad, "bgp_originator_id"),
    (Quad, "ospf_router_id"),
    (Clist, "bgp_cluster_list"),
    (Bool, "krt_lock_mtu"),
    (Bool, "krt_lock_rtt"),
    (Bool, "krt_feature_ecn"),
    (Str, "krt_congctl"),
    (Clist, "bgp_mpls_label_stack"),
    (Int, "own0"),
    (Bool, "own1"),
    (Pair, "own2"),
    (Quad, "own3"),
    (Ip, "own4"),
    (Prefix, "own5"),
    (Rd, "own6"),
    (Mac, "own7"),
    (Str, "own8"),
    (Bytes, "own9"),
    (Ec, "own10"),
    (Lc, "own11"),
    (Path, "own12"),
    (Clist, "own14"),
    (Eclist, "own15"),
    (Lclist, "own16"),
    (Source, "own17"),
    (IntSet, "own19"),
    (PairSet, "own20"),
    (PrefixSet, "own26"),
];
const READ_ONLY: [&str; 5] = ["net", "proto", "ifindex", "bgp_mpls_label_stack", "onlink"];

/// Makes terms.
pub struct Maker<'a> {
    pub choices: Choices<'a>,
    /// Variables in sight.
    pub variables: Vec<(String, Kind)>,
    /// Functions that may be called: name, arguments, result.
    pub functions: Vec<(String, Vec<Kind>, Kind)>,
    /// So many more parts may be made.
    pub left: u32,
}

impl<'a> Maker<'a> {
    pub fn new(bytes: &'a [u8]) -> Maker<'a> {
        Maker { choices: Choices::new(bytes), variables: Vec::new(), functions: Vec::new(), left: 400 }
    }

    fn of(&mut self, count: usize) -> usize {
        self.choices.of(count)
    }

    fn text(&mut self, list: &[&str]) -> String {
        self.choices.one(list).to_owned()
    }

    /// Any type.
    pub fn kind(&mut self) -> Kind {
        let at = self.of(KINDS.len());
        KINDS[at].0
    }

    /// An attribute or field that may be written.
    pub fn writable(&mut self) -> (Kind, &'static str) {
        let found = self.choices.one(&READABLE);
        if READ_ONLY.contains(&found.1) { READABLE[0] } else { found }
    }

    /// A term.
    pub fn term(&mut self, kind: Kind, depth: u32) -> String {
        self.left = self.left.saturating_sub(1);
        if depth == 0 || self.left == 0 || self.choices.is_over() {
            return self.leaf(kind);
        }
        match self.of(16) {
            0 => self.leaf(kind),
            1 | 2 => self.name(kind).unwrap_or_else(|| self.leaf(kind)),
            3 => self.call(kind, depth),
            4 => format!("same{}({})", kind.number(), self.term(kind, depth - 1)),
            _ => self.operation(kind, depth - 1),
        }
    }

    /// A variable, attribute or field.
    fn name(&mut self, kind: Kind) -> Option<String> {
        let named: Vec<String> =
            self.variables.iter().rev().filter(|v| v.1 == kind).map(|v| v.0.clone()).collect();
        let known = READABLE.iter().filter(|r| r.0 == kind).map(|r| r.1.to_owned());
        let mut all: Vec<String> = named.into_iter().chain(known).collect();
        let at = self.of(all.len().max(1));
        (at < all.len()).then(|| all.swap_remove(at))
    }

    /// A call of a function of the program, or of one that gives nothing.
    fn call(&mut self, kind: Kind, depth: u32) -> String {
        let known: Vec<_> = self.functions.iter().filter(|f| f.2 == kind).cloned().collect();
        let at = self.of(known.len() + 1);
        let Some((name, arguments, _)) = known.get(at) else {
            return if self.of(4) == 3 { format!("none{}()", kind.number()) } else { self.leaf(kind) };
        };
        let arguments: Vec<String> = arguments.iter().map(|k| self.term(*k, depth - 1)).collect();
        format!("{name}({})", arguments.join(", "))
    }

    fn leaf(&mut self, kind: Kind) -> String {
        let text = match kind {
            Bool => self.text(&["true", "false"]),
            Int => self.text(&INTS),
            Pair => format!("({}, {})", self.text(&HALVES), self.text(&HALVES)),
            Quad => return format!("same{}({})", Quad.number(), self.text(&IPS[..7])),
            Ip => self.text(&IPS),
            Prefix => match self.of(4) {
                0 | 1 => self.text(&NETS4),
                2 => self.text(&NETS6),
                _ => self.text(&NETS),
            },
            Rd => self.text(&RDS),
            Mac => self.text(&MACS),
            Str => self.text(&TEXTS),
            Bytes => self.text(&BYTES),
            Ec => self.ec_literal(),
            Lc => format!("({}, {}, {})", self.text(&INTS), self.text(&INTS), self.text(&INTS)),
            Path => "+empty+".into(),
            Clist => "-empty-".into(),
            Eclist => "--empty--".into(),
            Lclist => "---empty---".into(),
            Mask => self.mask(0),
            Source => self.text(&SOURCES),
            Origin => self.text(&ORIGINS),
            IntSet | PairSet | IpSet | RdSet | EcSet | LcSet | SourceSet | PrefixSet => self.set(kind),
        };
        if kind == Mask { text } else { literal(kind, &text) }
    }

    fn ec_literal(&mut self) -> String {
        let kind = self.choices.one(&["rt", "ro", "generic", "unknown 0x4002", "unknown 3"]);
        let key = match self.of(3) {
            0 => self.text(&HALVES),
            1 if kind != "generic" => self.text(&IPS[..5]),
            _ => self.text(&INTS),
        };
        format!("({kind}, {key}, {})", self.text(&HALVES))
    }

    fn mask(&mut self, depth: u32) -> String {
        let mut items = Vec::new();
        for at in 0..self.of(6) {
            items.push(match self.of(8) {
                0 | 1 => self.text(&INTS),
                2 => "*".into(),
                3 => "?".into(),
                4 => format!("{}..{}", self.text(&HALVES), self.text(&INTS)),
                5 => self.set(IntSet),
                6 if at > 0 => "+".into(),
                _ => format!("({})", self.term(Int, depth)),
            });
        }
        format!("[= {} =]", items.join(" "))
    }

    fn span(&mut self, list: &[&str]) -> String {
        let (a, b) = (self.of(list.len()), self.of(list.len()));
        match a == b {
            true => list[a].into(),
            false => format!("{}..{}", list[a.min(b)], list[a.max(b)]),
        }
    }

    /// `[ ... ]`
    fn set(&mut self, kind: Kind) -> String {
        let count = 1 + self.of(4);
        let family = self.of(2);
        let mut members = Vec::new();
        for _ in 0..count {
            members.push(match kind {
                IntSet => self.span(&INTS[..21]),
                // Rows of a pair pattern are members each, so there are few of them: thousands are only slow.
                PairSet => match self.of(4) {
                    0 => format!("({}, *)", self.span(&HALVES[..6])),
                    1 => format!("({}, {})", self.text(&HALVES), self.text(&HALVES)),
                    2 => format!("({}, *)", self.text(&HALVES)),
                    _ => format!("({}, {})", self.span(&HALVES[..6]), self.span(&HALVES)),
                },
                IpSet => match family {
                    0 => self.span(&IPS[..7]),
                    _ => self.text(&IPS[7..]),
                },
                RdSet => self.text(&RDS),
                EcSet => {
                    let kind = self.choices.one(&["rt", "ro", "generic"]);
                    let key = self.text(&HALVES);
                    let value = if self.of(2) == 0 { "*".into() } else { self.span(&HALVES) };
                    format!("({kind}, {key}, {value})")
                }
                LcSet => match self.of(4) {
                    0 => format!("({}, *, *)", self.span(&INTS[..21])),
                    1 => format!("({}, {}, *)", self.text(&INTS), self.span(&INTS[..21])),
                    2 => format!("({}, {}, {})", self.text(&INTS), self.text(&INTS), self.span(&INTS[..21])),
                    _ => "(*, *, *)".into(),
                },
                SourceSet => self.text(&SOURCES),
                _ => {
                    let (list, most) = if family == 0 { (&NETS4[..], 32) } else { (&NETS6[..], 128) };
                    let net = self.choices.one(list);
                    let (a, b) = (self.of(most + 1), self.of(most + 1));
                    match self.of(4) {
                        0 => net.into(),
                        1 => format!("{net}+"),
                        2 => format!("{net}-"),
                        _ => format!("{net}{{{},{}}}", a.min(b), a.max(b)),
                    }
                }
            });
        }
        format!("[{}]", members.join(", "))
    }

    fn operation(&mut self, kind: Kind, d: u32) -> String {
        match kind {
            Bool => self.condition(d),
            Int => match self.of(14) {
                0 | 1 => format!("({} + {})", self.term(Int, d), self.term(Int, d)),
                2 => format!("({} - {})", self.term(Int, d), self.term(Int, d)),
                3 => format!("({} * {})", self.term(Int, d), self.term(Int, d)),
                4 => format!("({} / {})", self.term(Int, d), self.term(Int, d)),
                5 => {
                    format!("({} {} {})", self.term(Int, d), self.choices.one(&["&", "|"]), self.term(Int, d))
                }
                6 => {
                    let methods = ["maxlen", "asn", "vlan_id", "evpn_tag"];
                    format!("{}.{}", self.net_object(d), self.choices.one(&methods))
                }
                _ => {
                    let (of, methods): (Kind, &[&str]) = self.choices.one(&[
                        (Path, &["len", "first", "last", "last_nonaggregated"]),
                        (Clist, &["len"]),
                        (Eclist, &["len"]),
                        (Lclist, &["len"]),
                        (Prefix, &["len"]),
                        (Pair, &["asn", "data"]),
                        (Lc, &["asn", "data1", "data2"]),
                    ]);
                    format!("{}.{}", self.object(of, d), self.choices.one(methods))
                }
            },
            Pair => match self.of(3) {
                0 => format!("({}, {})", self.half(d), self.half(d)),
                1 => format!("{}.min", self.object(Clist, d)),
                _ => format!("{}.max", self.object(Clist, d)),
            },
            Ip => match self.of(3) {
                0 => format!("{}.ip", self.object(Prefix, d)),
                1 => format!("{}.mask({})", self.object(Ip, d), self.term(Int, d)),
                _ => format!("{}.router_ip", self.net_object(d)),
            },
            Prefix => match self.of(3) {
                0 => format!("{}.src", self.net_object(d)),
                1 => format!("{}.dst", self.net_object(d)),
                _ => self.leaf(Prefix),
            },
            Rd => format!("{}.rd", self.net_object(d)),
            Mac => format!("{}.mac", self.net_object(d)),
            Str => match self.of(4) {
                0 | 1 => {
                    let kind = self.kind();
                    format!("format({})", self.term(kind, d))
                }
                2 => format!("({} ++ {})", self.term(Str, d), self.term(Str, d)),
                _ => format!("append({}, {})", self.term(Str, d), self.term(Str, d)),
            },
            Bytes => match self.of(4) {
                0 => format!("from_hex({})", self.term(Str, d)),
                1 => format!("({} ++ {})", self.term(Bytes, d), self.term(Bytes, d)),
                2 => format!("{}.evpn_esi", self.net_object(d)),
                _ => format!("{}.append({})", self.object(Bytes, d), self.term(Bytes, d)),
            },
            Ec => match self.of(4) {
                0 => format!("{}.min", self.object(Eclist, d)),
                1 => format!("{}.max", self.object(Eclist, d)),
                _ => {
                    let kind = self.choices.one(&["rt", "ro", "generic", "unknown 0x4002", "unknown 0x102"]);
                    let key = if self.of(2) == 0 { Int } else { Quad };
                    format!("({kind}, {}, {})", self.term(key, d), self.term(Int, d))
                }
            },
            Lc => match self.of(3) {
                0 => format!("({}, {}, {})", self.term(Int, d), self.term(Int, d), self.term(Int, d)),
                1 => format!("{}.min", self.object(Lclist, d)),
                _ => format!("{}.max", self.object(Lclist, d)),
            },
            Path => match self.of(8) {
                0..=3 => self.method(Path, d, "prepend", Int),
                4 => self.method(Path, d, "delete", Int),
                5 => self.method(Path, d, "delete", IntSet),
                6 => self.method(Path, d, "filter", IntSet),
                _ => format!("{}.empty", self.object(Path, d)),
            },
            Clist => match self.of(9) {
                0..=2 => self.method(Clist, d, "add", Pair),
                3 => {
                    let (method, kind) = (self.change(), self.choices.one(&[Quad, Ip, Clist]));
                    if method == "filter" && kind != Clist {
                        return self.method(Clist, d, "delete", kind);
                    }
                    self.method(Clist, d, method, kind)
                }
                4 => {
                    let method = self.change();
                    self.method(Clist, d, method, Clist)
                }
                5 => format!("{}.empty", self.object(Clist, d)),
                _ => {
                    let (method, set) = (self.sift(), self.choices.one(&[PairSet, IntSet, IpSet]));
                    self.method(Clist, d, method, set)
                }
            },
            Eclist => match self.of(6) {
                0..=2 => self.method(Eclist, d, "add", Ec),
                3 => {
                    let method = self.change();
                    self.method(Eclist, d, method, Eclist)
                }
                _ => {
                    let method = self.sift();
                    self.method(Eclist, d, method, EcSet)
                }
            },
            Lclist => match self.of(6) {
                0..=2 => self.method(Lclist, d, "add", Lc),
                3 => {
                    let method = self.change();
                    self.method(Lclist, d, method, Lclist)
                }
                _ => {
                    let method = self.sift();
                    self.method(Lclist, d, method, LcSet)
                }
            },
            Mask => self.mask(d),
            _ => self.leaf(kind),
        }
    }

    /// A number that is mostly small enough for half a community.
    fn half(&mut self, d: u32) -> String {
        match self.of(3) {
            0 => self.term(Int, d),
            1 => format!("({} & 65535)", self.term(Int, d)),
            _ => literal(Int, self.choices.one(&HALVES)),
        }
    }

    fn change(&mut self) -> &'static str {
        self.choices.one(&["add", "delete", "filter"])
    }

    fn sift(&mut self) -> &'static str {
        self.choices.one(&["delete", "filter"])
    }

    /// A method in one of its two forms.
    fn method(&mut self, of: Kind, d: u32, name: &str, with: Kind) -> String {
        match self.of(2) {
            0 => format!("{name}({}, {})", self.term(of, d), self.term(with, d)),
            _ => format!("{}.{name}({})", self.object(of, d), self.term(with, d)),
        }
    }

    /// A term that a method may follow.
    fn object(&mut self, kind: Kind, d: u32) -> String {
        format!("({})", self.term(kind, d))
    }

    /// A net for a method that few nets have: constant ones would mostly be refused before anything runs.
    fn net_object(&mut self, d: u32) -> String {
        match self.of(3) {
            0 => "net".into(),
            1 => format!("same{}({})", Prefix.number(), self.text(&NETS)),
            _ => format!("same{}({})", Prefix.number(), self.term(Prefix, d)),
        }
    }

    fn condition(&mut self, d: u32) -> String {
        match self.of(16) {
            0 | 1 => {
                let op = self.choices.one(&["&&", "||"]);
                format!("({} {op} {})", self.term(Bool, d), self.term(Bool, d))
            }
            2 => {
                // One level, from left to right.
                let (a, b) = (self.choices.one(&["&&", "||"]), self.choices.one(&["&&", "||"]));
                format!("({} {a} {} {b} {})", self.term(Bool, d), self.term(Bool, d), self.term(Bool, d))
            }
            3 => format!("(!{})", self.object(Bool, d)),
            4 | 5 => {
                let kind = self.kind();
                let op = self.choices.one(&["=", "!="]);
                format!("({} {op} {})", self.term(kind, d), self.term(kind, d))
            }
            6 | 7 => {
                let kinds = [Int, Int, Bool, Pair, Quad, Ip, Prefix, Rd, Mac, Str, Ec, Lc, Source, Path];
                let (kind, op) = (self.choices.one(&kinds), self.choices.one(&["<", "<=", ">", ">="]));
                format!("({} {op} {})", self.term(kind, d), self.term(kind, d))
            }
            8 => match self.of(4) {
                0 => format!("{}.is_v4", self.object(Ip, d)),
                1 => "defined(bgp_aggregator)".into(),
                _ => {
                    let kind = self.kind();
                    format!("defined({})", self.term(kind, d))
                }
            },
            9 => {
                let state = self.choices.one(&["ROA_UNKNOWN", "ROA_VALID", "ROA_INVALID"]);
                match self.of(2) {
                    0 => format!("(roa_check(r4) = {state})"),
                    _ => {
                        format!("(roa_check(r4, {}, {}) = {state})", self.term(Prefix, d), self.term(Int, d))
                    }
                }
            }
            10 => {
                let state = self.choices.one(&["ASPA_UNKNOWN", "ASPA_VALID", "ASPA_INVALID"]);
                match self.of(3) {
                    0 => format!("(aspa_check_upstream(at) = {state})"),
                    1 => format!("(aspa_check_downstream(at) = {state})"),
                    _ => {
                        format!("(aspa_check(at, {}, {}) = {state})", self.term(Path, d), self.term(Bool, d))
                    }
                }
            }
            _ => {
                let (left, right) = self.choices.one(&[
                    (Prefix, PrefixSet),
                    (Int, IntSet),
                    (Path, Mask),
                    (Clist, PairSet),
                    (Pair, PairSet),
                    (Ip, IpSet),
                    (Ec, EcSet),
                    (Lc, LcSet),
                    (Rd, RdSet),
                    (Source, SourceSet),
                    (Prefix, Prefix),
                    (Ip, Prefix),
                    (Str, Str),
                    (Path, IntSet),
                    (Int, Path),
                    (Pair, Clist),
                    (Quad, Clist),
                    (Ip, Clist),
                    (Clist, IntSet),
                    (Clist, IpSet),
                    (Quad, IpSet),
                    (Ec, Eclist),
                    (Eclist, EcSet),
                    (Lc, Lclist),
                    (Lclist, LcSet),
                ]);
                let op = self.choices.one(&["~", "!~"]);
                format!("({} {op} {})", self.term(left, d), self.term(right, d))
            }
        }
    }
}

//! Every row of the table of tokens, and the traps between them.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tern_grammar::{keyword_index, t};

use super::*;

/// The tokens of a text, each as `CLASS` or `CLASS=VALUE`, and the complaints.
fn lex(text: &str) -> (String, Vec<String>) {
    let none = BTreeMap::<PathBuf, Vec<u8>>::new();
    let mut lexer = Lexer::new(&none, fresh_names());
    lexer.open_text(Path::new("f"), text.as_bytes());
    let mut out: Vec<String> = Vec::new();
    while let Some(token) = { if lexer.frames.is_empty() { None } else { Some(lexer.lex()) } } {
        let Some(token) = token else { continue };
        out.push(show(&lexer, token));
    }
    let errors =
        lexer.diags.iter().map(|d| format!("{} {}", lexer.sources.locate(d.at).col, d.message)).collect();
    (out.join(" "), errors)
}

fn show(lexer: &Lexer<'_>, token: Token) -> String {
    let value = token.value;
    if let Some(i) = keyword_index(token.c) {
        return KEYWORDS[i].to_owned();
    }
    match u8::try_from(token.c).unwrap() {
        t::NUM => format!("NUM={value}"),
        t::SYM => format!("SYM={}", lexer.names.text(Sym(value as u32))),
        t::TEXT => format!("TEXT={}", lexer.tokens.texts[value as usize]),
        t::IP4 => format!("IP4={}", crate::base::net::ipv4(value as u32)),
        t::IP6 => format!("IP6={}", std::net::Ipv6Addr::from(lexer.tokens.wide[value as usize].0)),
        t::NET4 => format!("NET4={}/{}", crate::base::net::ipv4(value as u32), value >> 32),
        t::NET6 => {
            let (bits, len) = lexer.tokens.wide[value as usize];
            format!("NET6={}/{len}", std::net::Ipv6Addr::from(bits))
        }
        t::RD => format!("RD={}", crate::base::Rd(value)),
        t::MAC => format!("MAC={value:012x}"),
        t::BYTES => format!("BYTES={:?}", lexer.tokens.bytes[value as usize].0),
        t::ENUM => format!("ENUM={}", lexer.names.text(Sym(value as u32))),
        t::ELSECOL => "ELSECOL".to_owned(),
        t::DDOT => "DDOT".to_owned(),
        t::BAD => "BAD".to_owned(),
        t::PP => "PP".to_owned(),
        t::ARROW => "ARROW".to_owned(),
        t::PO => "PO".to_owned(),
        t::PC => "PC".to_owned(),
        c => char::from(c).to_string(),
    }
}

fn good(text: &str) -> String {
    let (tokens, errors) = lex(text);
    assert_eq!(errors, Vec::<String>::new(), "{text}");
    tokens
}

fn bad(text: &str) -> String {
    lex(text).1.join(", ")
}

#[test]
fn numbers() {
    assert_eq!(
        good("0 7 010 4294967295 0x1f 0xdeadBEEF 0x0000000000000007"),
        "NUM=0 NUM=7 NUM=10 NUM=4294967295 NUM=31 NUM=3735928559 NUM=7"
    );
    assert_eq!(
        good("10s 9-4 1.5 0XFF 0x 1_0 6to4"),
        "NUM=10 s NUM=9 - NUM=4 NUM=1 . NUM=5 NUM=0 SYM=XFF NUM=0 SYM=x NUM=1 SYM=_0 NUM=6 SYM=to4"
    );
    assert_eq!(good("1..5 ... 8..16:"), "NUM=1 DDOT NUM=5 DDOT . NUM=8 DDOT NUM=16 :");
    for text in ["4294967296", "0x1ffffffff", "0x00000000000000007", "123456789012345678901"] {
        assert_eq!(bad(text), "1 Number out of range", "{text}");
    }
}

#[test]
fn addresses_and_prefixes() {
    assert_eq!(
        good("192.0.2.1 010.001.0.09 255.255.255.255"),
        "IP4=192.0.2.1 IP4=10.1.0.9 IP4=255.255.255.255"
    );
    assert_eq!(
        good("10.0.0.0/8 203.0.113.7/32 0.0.0.0/0"),
        "NET4=10.0.0.0/8 NET4=203.0.113.7/32 NET4=0.0.0.0/0"
    );
    assert_eq!(
        good("192.0.2.1..192.0.2.9 192.0.2.1.5 192.0.2"),
        "IP4=192.0.2.1 DDOT IP4=192.0.2.9 IP4=192.0.2.1 . NUM=5 NUM=192 . NUM=0 . NUM=2"
    );
    assert_eq!(
        good(":: ::1 fe80:: 1:2:3:4:5:6:7:: 2001:DB8::8"),
        "IP6=:: IP6=::1 IP6=fe80:: IP6=1:2:3:4:5:6:7:0 IP6=2001:db8::8"
    );
    assert_eq!(
        good("64:ff9b::198.51.100.1 ::ffff:192.0.2.033"),
        "IP6=64:ff9b::c633:6401 IP6=::ffff:192.0.2.33"
    );
    assert_eq!(
        good("2001:db8::/32 ::/0 2001:db8::7/128"),
        "NET6=2001:db8::/32 NET6=::/0 NET6=2001:db8::7/128"
    );
    assert_eq!(
        good("10.0.0.0/8+ 10.0.0.0/8{8,24} 10.0.0.0/8-"),
        "NET4=10.0.0.0/8 + NET4=10.0.0.0/8 { NUM=8 , NUM=24 } NET4=10.0.0.0/8 -"
    );
    assert_eq!(good("fe80::1%eth0"), "IP6=fe80::1 % SYM=eth0");
    assert_eq!(bad("192.0.2.256"), "1 Invalid IPv4 address 192.0.2.256");
    assert_eq!(bad("192.0.2.1/24"), "11 Invalid IPv4 prefix 192.0.2.1/24, maybe you wanted 192.0.2.0/24");
    assert_eq!(bad("192.0.2.0/33"), "11 Invalid prefix length 33");
    for text in ["1:2:3:4:5:6:7::8", "::1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::"] {
        assert_eq!(good(text), "IP6=1:2:3:4:5:6:7:8");
    }
    for text in [
        "1:2:3:4:5:6:7:8::9",
        "1::2:3:4:5:6:7:8:",
        "2001::db8::1",
        "2001:db8::12345",
        "2001:db8:1:2",
        "1:2:3:4:5:6:7:8:9",
        "2001:db8::1:",
        "02:00:00:00:00:01:",
    ] {
        assert_eq!(bad(text), format!("1 Invalid IPv6 address {text}"));
    }
}

#[test]
fn distinguishers() {
    assert_eq!(good("100:200 65535:4294967295 65536:65535"), "RD=100:200 RD=65535:4294967295 RD=65536:65535");
    assert_eq!(
        good("0:100:70000 2:4200000000:9 198.51.100.1:77"),
        "RD=100:70000 RD=4200000000:9 RD=198.51.100.1:77"
    );
    assert_eq!(good("1 : 2 24: 1:65000:1"), "NUM=1 : NUM=2 NUM=24 : RD=1:65000 : NUM=1");
    assert_eq!(bad("4294967296:1"), "1 ASN out of range");
    assert_eq!(bad("65536:65536"), "1 Number out of range");
    assert_eq!(bad("192.0.2.1:65536"), "1 Number out of range");
    assert_eq!(bad("300.0.2.1:6"), "1 Invalid IPv4 address 300.0.2.1 in Route Distinguisher");
}

#[test]
fn macs_and_byte_strings() {
    assert_eq!(good("02:aa:bb:cc:dd:EE"), "MAC=02aabbccddee");
    assert_eq!(
        good("hex: hex:00ff hex:0a:0B:0c hex:12345"),
        "BYTES=[] BYTES=[0, 255] BYTES=[10, 11, 12] BYTES=[18, 52] NUM=5"
    );
    assert_eq!(good("00112233445566778899 12345678901234567890").matches("BYTES").count(), 2);
    assert_eq!(
        good("00:11:22:33:44:55:66:77:88:99:aa"),
        "BYTES=[0, 17, 34, 51, 68, 85, 102, 119, 136, 153, 170]"
    );
    // An even run of twenty or more digits is a byte string, an odd one is not.
    assert_eq!(good("deadbeefdeadbeefdead"), "BYTES=[222, 173, 190, 239, 222, 173, 190, 239, 222, 173]");
    assert_eq!(
        good("deadbeefdeadbeefdeadb abcd fa11 beef"),
        "SYM=deadbeefdeadbeefdeadb SYM=abcd SYM=fa11 SYM=beef"
    );
    assert_eq!(bad("02:00:00:00:00:00:01"), "1 Invalid IPv6 address 02:00:00:00:00:00:01");
}

#[test]
fn words() {
    assert_eq!(
        good("protocol Protocol _ c_3_d RTS_BGP 'RTS_BGP' 'protocol' 'a.b-c:d' '' '10'"),
        "protocol SYM=Protocol SYM=_ SYM=c_3_d ENUM=RTS_BGP ENUM=RTS_BGP protocol SYM=a.b-c:d SYM= SYM=10"
    );
    assert_eq!(good("else: else : elsewhere: hexa:"), "ELSECOL else : SYM=elsewhere : SYM=hexa :");
    assert_eq!(good("core-1 a.b include"), "SYM=core - NUM=1 SYM=a . SYM=b SYM=include");
    let (fits, long) = ("x".repeat(64), "x".repeat(65));
    assert_eq!(good(&fits), format!("SYM={fits}"));
    assert_eq!(bad(&long), "1 Symbol too long");
    assert_eq!(bad("'a b'"), "3 Invalid character in apostrophed symbol");
    assert_eq!(bad("'ab\n"), "4 Unterminated symbol");
    assert_eq!(bad("'ab"), "3 Unterminated symbol");
}

#[test]
fn strings_and_comments() {
    assert_eq!(good(r#""" "a # b /* c" "back\slash""#), r"TEXT= TEXT=a # b /* c TEXT=back\slash");
    assert_eq!(good("a/**/b/***/c # d */ e\nf /* # */ g /* ** / * */"), "SYM=a SYM=b SYM=c SYM=f SYM=g");
    assert_eq!(bad("\"open\n"), "6 Unterminated string");
    assert_eq!(bad("\"open"), "5 Unterminated string");
    assert_eq!(bad("/* a /* b */"), "6 Comment nesting not supported");
    assert_eq!(bad("/* a"), "4 Unterminated comment");
    assert_eq!(good("// x"), "/ / SYM=x");
    assert_eq!(good("*/"), "* /");
}

#[test]
fn operators() {
    assert_eq!(good("= != !~ <= >= && || -> ++ [= =] .. <> ==").split(' ').count(), 16);
    assert_eq!(good("[=5=] a->b"), "PO NUM=5 PC SYM=a ARROW SYM=b");
    assert_eq!(good("[ = 1"), "[ = NUM=1");
    assert_eq!(good("&|?%"), "& | ? %");
    for (text, col) in [
        ("a @", 3),
        ("`", 1),
        ("a\r\n", 2),
        ("\u{c}", 1),
        ("gr\u{f6}", 3),
        ("\u{feff}a", 1),
        ("$x", 1),
        ("\0", 1),
    ] {
        assert_eq!(bad(text), format!("{col} Unknown character"), "{text:?}");
    }
}

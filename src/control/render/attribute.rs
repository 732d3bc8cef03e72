//! Attributes that do not fit into one line of `show route all`.
//!
//! BIRD writes a line into 500 bytes. Lists of communities go on in further lines, everything else is cut;
//! where exactly either happens follows from its room for one more element, and programs that read these
//! lines have learned it.

use crate::base::Value;

/// The room for a line, as in BIRD.
const ROOM: usize = 500;

/// No attribute of at most so many bytes needs more than one line.
pub const SHORT: usize = ROOM - 65;

/// The lines for `text` (`NAME: VALUE`): the first one, then those that go on with the list.
pub fn lines(text: &str, value: &Value) -> Vec<String> {
    let start = text.find(": ").map_or(0, |at| at + 2);
    // Lists of bare numbers and addresses are never continued.
    let communities = text[start..].starts_with('(');
    match value {
        Value::Clist(_) if communities => wrap(text, start, 24, 0),
        Value::Clist(_) => vec![first_ones(text, start)],
        Value::Eclist(_) => wrap(text, start, 64, 0),
        // The blank behind an element counts before it is taken back.
        Value::Lclist(_) => wrap(text, start, 64, 1),
        _ => vec![cut(text)],
    }
}

/// A list whose elements may be up to `spare` bytes long.
fn wrap(text: &str, start: usize, spare: usize, behind: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = text[..start].to_owned();
    let (mut room, mut some) = (ROOM - spare, false);
    for element in elements(&text[start..]) {
        if some && line.len() + behind > room {
            lines.push(std::mem::take(&mut line));
            (room, some) = (ROOM - 1 - spare, false);
        }
        if some {
            line.push(' ');
        }
        line.push_str(element);
        some = true;
    }
    lines.push(line);
    lines
}

/// A list that ends with dots.
fn first_ones(text: &str, start: usize) -> String {
    let mut line = text[..start].to_owned();
    for (i, element) in text[start..].split(' ').enumerate() {
        if line.len() > ROOM - 24 {
            line.push_str(" ...");
            break;
        }
        if i > 0 {
            line.push(' ');
        }
        line.push_str(element);
    }
    line
}

fn cut(text: &str) -> String {
    if text.len() < ROOM {
        return text.to_owned();
    }
    let mut at = ROOM - 12;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    format!("{}...", &text[..at])
}

/// `(1,2) (3,4)`: blanks inside parentheses separate nothing.
fn elements(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0usize;
    list.split(move |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ' ' && depth == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::community::LargeCommunity;
    use crate::base::path::AsPath;

    fn shown(name: &str, elements: impl Iterator<Item = String>) -> String {
        format!("{name}: {}", elements.collect::<Vec<_>>().join(" "))
    }

    /// Lengths as BIRD 2.0.12 has them.
    #[test]
    fn lists_go_on() {
        let text = shown("BGP.community", (0..200).map(|i| format!("(65000,{})", 10000 + i)));
        let value = Value::Clist((0..200u32).map(|i| 65000 << 16 | (10000 + i)).collect());
        let got = lines(&text, &value);
        assert_eq!(got.iter().map(String::len).collect::<Vec<_>>(), [490, 489, 489, 489, 489, 363]);
        assert_eq!(got.join(" "), text);
        let text = shown("BGP.large_community", (0..40).map(|i| format!("(4200000000, {i}, {i})")));
        let value = Value::Lclist(
            (0..40).map(|i| LargeCommunity { asn: 4_200_000_000, data1: i, data2: i }).collect(),
        );
        let got = lines(&text, &value);
        assert_eq!(got.join(" "), text);
        assert!(got.len() > 1 && got.iter().all(|line| line.len() < 470), "{got:?}");
    }

    #[test]
    fn the_rest_is_cut() {
        let path = shown("BGP.as_path", (0..120).map(|_| "65000".to_owned()));
        let got = lines(&path, &Value::Path(AsPath::sequence(&[65000; 120])));
        assert_eq!((got.len(), got[0].len()), (1, 491));
        assert!(got[0].ends_with("..."));
        let list = shown("BGP.cluster_list", (0..60).map(|i| format!("192.0.2.{i}")));
        let got = lines(&list, &Value::Clist((0..60).collect()));
        assert!(got.len() == 1 && got[0].ends_with(" ...") && got[0].len() < 500);
        assert_eq!(lines("a: ä", &Value::Str("ä".into())), ["a: ä"]);
        assert!(lines(&format!("a: {}", "ä".repeat(300)), &Value::Void)[0].ends_with("..."));
    }
}

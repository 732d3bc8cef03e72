//! Patterns for names: `*` any string, `?` one character, a backslash takes the next character literally.

/// Whether `text` matches `pattern` as a whole. Linear in their product at worst; nothing recurses.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go back to: behind the last star, and the text it has eaten so far.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
                continue;
            }
            None if t == text.len() => return true,
            None => None,
            Some(b'?') => text.get(t).map(|_| 1),
            Some(b'\\') if p + 1 < pattern.len() => (text.get(t) == pattern.get(p + 1)).then_some(2),
            Some(c) => (text.get(t) == Some(c)).then_some(1),
        };
        match (step, star) {
            (Some(width), _) => {
                p += width;
                t += 1;
            }
            (None, Some((behind, eaten))) if eaten < text.len() => {
                star = Some((behind, eaten + 1));
                (p, t) = (behind, eaten + 1);
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_question_marks() {
        let yes = [
            ("s*", "s1"),
            ("*1", "device1"),
            ("?evice1", "device1"),
            ("*", ""),
            ("*?", "a"),
            ("a*b*c", "aXbYbZc"),
            ("\\*x", "*x"),
            ("", ""),
        ];
        let no = [
            ("s*", "device1"),
            ("?", ""),
            ("*?", ""),
            ("a*b", "abc"),
            ("\\*x", "ax"),
            ("a", ""),
            ("", "a"),
            ("a\\", "a"),
        ];
        for (pattern, text) in yes {
            assert!(matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
        for (pattern, text) in no {
            assert!(!matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = "a*".repeat(50) + "b";
        assert!(!matches(pattern.as_bytes(), "a".repeat(5000).as_bytes()));
    }
}

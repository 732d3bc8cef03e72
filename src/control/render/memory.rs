//! `show memory`.

use crate::control::code::Code;
use crate::control::view::MemoryView;
use crate::control::view::memory::Amount;
use crate::control::wire::Reply;

/// A size in four digits, a decimal and a unit.
fn size(bytes: u64) -> String {
    let (mut tenths, mut unit) = (bytes.saturating_mul(10), 0);
    let units = b" kMGT";
    while tenths >= 100_000 && unit + 1 < units.len() {
        tenths = tenths.saturating_add(512) / 1024;
        unit += 1;
    }
    format!("{:>4}.{} {}B", tenths / 10, tenths % 10, units[unit] as char)
}

/// The whole answer.
pub fn memory(view: &MemoryView, reply: &mut Reply) {
    const M: Code = Code::Memory;
    reply.line(M, "BIRD memory usage");
    reply.line(M, format_args!("{:18}Effective    Overhead", ""));
    let mut row = |label: &str, amount: Amount| {
        reply.line(M, format_args!("{label:<17} {}   {}", size(amount.effective), size(amount.overhead)));
    };
    row("Routing tables:", view.tables);
    row("Route attributes:", view.attributes);
    row("Protocols:", view.protocols);
    row("Current config:", view.config);
    row("Standby memory:", view.standby);
    row("Total:", view.total);
    reply.line(M, "");
    for (label, bytes) in [
        ("Active pages:", view.active_pages),
        ("Kept free pages:", view.kept_pages),
        ("Cold free pages:", view.cold_pages),
    ] {
        reply.line(M, format_args!("{label:<17} {}", size(bytes)));
    }
    reply.ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of a live BIRD.
    #[test]
    fn sizes() {
        assert_eq!(size(0), "   0.0  B");
        assert_eq!(size(9080), "9080.0  B");
        assert_eq!(size(10_000), "   9.8 kB");
        assert_eq!(size(69_734), "  68.1 kB");
        assert_eq!(size(u64::MAX), "1677721.6 TB");
    }

    #[test]
    fn layout() {
        let mut reply = Reply::default();
        memory(&MemoryView::default(), &mut reply);
        let text = String::from_utf8_lossy(reply.pending()).into_owned();
        assert!(text.contains(
            "                   Effective    Overhead\n Routing tables:      0.0  B      0.0  B\n"
        ));
    }
}

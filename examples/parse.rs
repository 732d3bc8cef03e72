//! Parses files and prints what is wrong with them: `parse FILE...`; with `--ast` the statements, too.

use std::path::Path;
use std::time::Instant;

use tern::syntax::{Disk, parse};

fn main() {
    let mut ast = false;
    let mut time = false;
    for file in std::env::args().skip(1) {
        match &*file {
            "--ast" => ast = true,
            "--time" => time = true,
            _ => {
                let start = Instant::now();
                let parsed = match parse(Path::new(&file), &Disk) {
                    Ok(parsed) => parsed,
                    Err(e) => {
                        println!("{file}: {e:?}");
                        continue;
                    }
                };
                if time {
                    println!(
                        "{:?} {} items {} tokens",
                        start.elapsed(),
                        parsed.items.len(),
                        parsed.sources.end()
                    );
                }
                if ast {
                    println!("{:#?}", parsed.items);
                }
                for d in parsed.diagnostics.sorted() {
                    let at = parsed.sources.locate(d.at);
                    let warn = if d.severity == tern::syntax::diag::Severity::Warning { ":" } else { "" };
                    println!("{}:{}:{}{warn} {}", at.path.display(), at.line, at.col, d.message);
                    if let Some(help) = d.help {
                        println!("   help: {help}");
                    }
                }
            }
        }
    }
}

//! Where tokens stand: the files read, and a compact map from token numbers to places.
//!
//! A configuration may hold many millions of tokens and nearly none of them is ever complained about, so a
//! token costs one byte here: the distance from the start of the token before. Every 64th token, and wherever
//! the byte does not suffice (long gaps, another file), a checkpoint holds the full place.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ast::{Span, Tok};

/// How files are read: the file system, or memory in tests and on the control socket.
pub trait Files {
    /// The contents of a file.
    fn read(&self, path: &Path) -> Result<Vec<u8>, ReadError>;
    /// The names in a directory, in any order; empty when it cannot be read.
    fn list(&self, dir: &Path) -> Vec<PathBuf>;
    /// Whether this is a directory.
    fn is_dir(&self, path: &Path) -> bool;
}

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// It could not be opened: the reason, as `strerror` words it.
    Open(String),
    /// It was opened, but reading failed (a directory, for instance).
    Read,
}

/// The files of this machine. Reading a configuration is I/O done once, before anything runs; so it is done
/// here, directly.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Vec<u8>, ReadError> {
        use std::io::Read;
        let mut file = std::fs::File::open(path).map_err(|e| {
            let text = e.to_string();
            ReadError::Open(text.split(" (os error").next().unwrap_or(&text).to_owned())
        })?;
        let mut data = Vec::new();
        if let Ok(meta) = file.metadata() {
            data.reserve_exact((meta.len() as usize).min(LARGEST_FILE + 1));
        }
        let limit = LARGEST_FILE as u64 + 1;
        file.by_ref().take(limit).read_to_end(&mut data).map_err(|_| ReadError::Read)?;
        Ok(data)
    }

    fn list(&self, dir: &Path) -> Vec<PathBuf> {
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.file_name().into()).collect()
    }

    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }
}

/// A path without `.` and `..`, as the file system would follow it where nothing is a link.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir if out.file_name().is_some() => _ = out.pop(),
            std::path::Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

/// Files in memory, by path.
impl Files for std::collections::BTreeMap<PathBuf, Vec<u8>> {
    fn read(&self, path: &Path) -> Result<Vec<u8>, ReadError> {
        match self.get(&plain(path)) {
            Some(data) => Ok(data.clone()),
            None if Files::is_dir(self, path) => Err(ReadError::Read),
            None => Err(ReadError::Open("No such file or directory".to_owned())),
        }
    }

    fn list(&self, dir: &Path) -> Vec<PathBuf> {
        let mut names: Vec<PathBuf> = self
            .keys()
            .filter_map(|p| {
                p.strip_prefix(plain(dir)).ok()?.components().next().map(|c| PathBuf::from(c.as_os_str()))
            })
            .collect();
        names.dedup();
        names
    }

    fn is_dir(&self, path: &Path) -> bool {
        let path = plain(path);
        self.keys().any(|p| *p != path && p.starts_with(&path))
    }
}

/// Larger files are refused: offsets are 32 bit, and nobody writes such a configuration on purpose.
pub const LARGEST_FILE: usize = 1 << 30;

/// The number of a file; a file included twice has two.
pub type FileId = u32;

/// A file as read.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// The path as given, or as the include opened it.
    pub path: Arc<Path>,
    /// What it held.
    pub text: Arc<Vec<u8>>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The path as given, or as the include opened it.
    pub path: Arc<Path>,
    /// From 1.
    pub line: u32,
    /// Byte column from 1; 0 at the start of a line that a file ends with.
    pub col: u32,
}

/// The place of a token by file and byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// Its byte.
    pub offset: u32,
    /// The line, from 1.
    pub line: u32,
}

#[derive(Debug, Clone, Copy)]
struct Checkpoint {
    tok: Tok,
    place: Place,
}

const STRIDE: u32 = 64;
const FAR: u32 = u8::MAX as u32;

/// All files of a configuration and the places of its tokens.
#[derive(Debug, Default, Clone)]
pub struct Sources {
    files: Vec<SourceFile>,
    gaps: Vec<u8>,
    checkpoints: Vec<Checkpoint>,
    last: Option<(FileId, u32)>,
}

impl Sources {
    /// Adds a file.
    pub(super) fn add(&mut self, path: Arc<Path>, text: Arc<Vec<u8>>) -> FileId {
        self.files.push(SourceFile { path, text });
        self.files.len() as FileId - 1
    }

    /// Records the next token.
    #[inline]
    pub(super) fn token(&mut self, file: FileId, offset: u32, line: u32) -> Tok {
        let tok = self.gaps.len() as Tok;
        let near = match self.last {
            Some((f, o)) if f == file => offset.wrapping_sub(o),
            _ => FAR,
        };
        if near < FAR && !tok.is_multiple_of(STRIDE) {
            self.gaps.push(near as u8);
        } else {
            self.gaps.push(FAR as u8);
            self.checkpoints.push(Checkpoint { tok, place: Place { file, offset, line } });
        }
        self.last = Some((file, offset));
        tok
    }

    /// How many tokens there are; this number stands for the end.
    pub fn end(&self) -> Tok {
        self.gaps.len() as Tok
    }

    /// A file.
    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id as usize)
    }

    /// All files in the order of reading.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// File, byte and line of a token; `None` for the end.
    pub fn place(&self, tok: Tok) -> Option<Place> {
        if tok >= self.end() {
            return None;
        }
        let at = self.checkpoints.partition_point(|c| c.tok <= tok).checked_sub(1)?;
        let mark = self.checkpoints.get(at)?;
        let gaps = self.gaps.get(mark.tok as usize + 1..=tok as usize)?;
        let offset = mark.place.offset + gaps.iter().map(|g| u32::from(*g)).sum::<u32>();
        let text = &self.file(mark.place.file)?.text;
        let between = text.get(mark.place.offset as usize..offset as usize)?;
        let line = mark.place.line + memchr::memchr_iter(b'\n', between).count() as u32;
        Some(Place { file: mark.place.file, offset, line })
    }

    /// The tokens of a span by themselves, numbered from 0, with the lines they stand on. Of a text longer
    /// than `longest` only the first token remains.
    pub(super) fn part(&self, span: Span, longest: usize) -> Option<Sources> {
        let (first, last) = (span.first, span.last.min(self.end().checked_sub(1)?));
        let start = self.place(first)?;
        let marks = self.checkpoints.iter().skip(self.checkpoints.partition_point(|c| c.tok <= first));
        let marks: Vec<Checkpoint> = marks.take_while(|c| c.tok <= last).copied().collect();
        // What is needed of each file, from the beginning of a line on.
        let mut stretches: Vec<(FileId, usize, usize)> = Vec::new();
        let mut run = start;
        let ends = marks.iter().map(|c| (c.tok, Some(c.place))).chain([(last + 1, None)]);
        for (tok, next) in ends {
            if next.is_some_and(|n| n.file == run.file) {
                continue;
            }
            let text = &self.file(run.file)?.text;
            let end = self.place(tok - 1)?.offset as usize;
            let end = end + super::literal::token_length(text, end);
            match stretches.iter_mut().find(|(file, ..)| *file == run.file) {
                Some(known) => known.2 = end,
                None => {
                    let before = text.get(..run.offset as usize)?;
                    let line = memchr::memrchr(b'\n', before).map_or(0, |n| n + 1);
                    stretches.push((run.file, line, end));
                }
            }
            run = next.unwrap_or(run);
        }
        let bytes: usize = stretches.iter().map(|(_, from, to)| to - from).sum();
        if bytes > longest && first < last {
            return self.part(Span { first, last: first }, usize::MAX);
        }
        let moved = |tok: Tok, place: Place| {
            let at = stretches.iter().position(|(file, ..)| *file == place.file)?;
            let place = Place { file: at as FileId, offset: place.offset - stretches[at].1 as u32, ..place };
            Some(Checkpoint { tok: tok - first, place })
        };
        let checkpoints = std::iter::once((first, start)).chain(marks.iter().map(|c| (c.tok, c.place)));
        let checkpoints = checkpoints.map(|(tok, place)| moved(tok, place)).collect::<Option<Vec<_>>>()?;
        let files = stretches.iter().map(|(file, from, to)| {
            let SourceFile { path, text } = self.file(*file)?;
            Some(SourceFile { path: path.clone(), text: Arc::new(text.get(*from..*to)?.to_vec()) })
        });
        Some(Sources {
            files: files.collect::<Option<Vec<_>>>()?,
            gaps: self.gaps.get(first as usize..=last as usize)?.to_vec(),
            checkpoints,
            last: None,
        })
    }

    /// Where BIRD would say a token stands. The end of the configuration is on line 1, by BIRD's rule: in the
    /// column of the last token when the file lacks its final newline, else 0.
    pub fn locate(&self, tok: Tok) -> Located {
        let Some(place) = self.place(tok) else {
            let path = self.files.first().map_or_else(|| Arc::from(Path::new("")), |f| f.path.clone());
            let whole = self.files.first().is_none_or(|f| f.text.is_empty() || f.text.ends_with(b"\n"));
            let col = if whole || tok == 0 { 0 } else { self.locate(self.end() - 1).col };
            return Located { path, line: 1, col };
        };
        let Some(file) = self.file(place.file) else {
            return Located { path: Arc::from(Path::new("")), line: place.line, col: 0 };
        };
        let offset = place.offset as usize;
        let start = memchr::memrchr(b'\n', file.text.get(..offset).unwrap_or_default()).map_or(0, |n| n + 1);
        // An unfinished comment is reported at the last character read, which is the one before the end.
        // So is a string: BIRD has read it to its end.
        let offset = match file.text.get(offset) {
            Some(b'"') => offset + super::literal::token_length(&file.text, offset) - 1,
            _ => offset,
        };
        let col = offset - start + usize::from(offset < file.text.len() || file.text.is_empty());
        Located { path: file.path.clone(), line: place.line, col: col as u32 }
    }

    /// The line of a token, for messages of filters; 1 for the end.
    pub fn line(&self, tok: Tok) -> u32 {
        self.place(tok).map_or(1, |p| p.line)
    }

    /// The bytes a span covers, if it lies in one file.
    pub fn bytes(&self, span: Span) -> Option<(FileId, std::ops::Range<usize>)> {
        let (first, last) = (self.place(span.first)?, self.place(span.last)?);
        if first.file != last.file || last.offset < first.offset {
            return None;
        }
        let text = &self.file(last.file)?.text;
        let end = last.offset as usize + super::literal::token_length(text, last.offset as usize);
        Some((first.file, first.offset as usize..end.min(text.len())))
    }

    /// The text a span covers, for reports of self tests.
    pub fn text(&self, span: Span) -> String {
        self.bytes(span)
            .and_then(|(file, range)| {
                Some(String::from_utf8_lossy(self.file(file)?.text.get(range)?).into_owned())
            })
            .unwrap_or_default()
    }
}

/// The matches of a shell pattern, sorted, directories left out. `*` and `?` do not match a leading dot.
pub(super) fn glob(files: &dyn Files, pattern: &Path) -> Vec<PathBuf> {
    use std::path::Component;
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let wild = matches!(part, Component::Normal(p) if has_wildcards(p.as_encoded_bytes()));
        let mut next = Vec::new();
        for dir in found {
            if !wild {
                next.push(dir.join(part));
                continue;
            }
            let glob = part.as_os_str().as_encoded_bytes();
            let mut names = files.list(&dir);
            names.retain(|n| {
                let name = n.as_os_str().as_encoded_bytes();
                (glob.first() == Some(&b'.') || name.first() != Some(&b'.')) && matches(glob, name)
            });
            next.extend(names.into_iter().map(|n| dir.join(n)));
        }
        found = next;
    }
    found.retain(|p| !files.is_dir(p));
    found.sort();
    found
}

/// Whether a name holds any of `? * [`.
pub(super) fn has_wildcards(name: &[u8]) -> bool {
    name.iter().any(|b| matches!(b, b'*' | b'?' | b'['))
}

/// Shell pattern against name, one path component. Iterative: only the last `*` is ever retried.
fn matches(glob: &[u8], name: &[u8]) -> bool {
    let (mut g, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match glob.get(g) {
            Some(b'*') => {
                retry = Some((g, n));
                g += 1;
                continue;
            }
            None if n == name.len() => return true,
            None => None,
            Some(b'?') => name.get(n).map(|_| g + 1),
            Some(b'[') => name.get(n).and_then(|c| class(&glob[g..], *c).map(|len| g + len)),
            Some(b'\\') if g + 1 < glob.len() => (name.get(n) == glob.get(g + 1)).then_some(g + 2),
            Some(c) => (name.get(n) == Some(c)).then_some(g + 1),
        };
        match (step, retry) {
            (Some(to), _) => (g, n) = (to, n + 1),
            (None, Some((star, from))) if from < name.len() => {
                retry = Some((star, from + 1));
                (g, n) = (star + 1, from + 1);
            }
            _ => return false,
        }
    }
}

/// Whether `c` is in the bracket expression `glob` starts with; its length if so. An unclosed bracket stands
/// for itself.
fn class(glob: &[u8], c: u8) -> Option<usize> {
    let negated = matches!(glob.get(1), Some(b'!' | b'^'));
    let start = 1 + usize::from(negated);
    let Some(close) = glob.iter().skip(start + 1).position(|b| *b == b']').map(|p| p + start + 1) else {
        return (c == b'[').then_some(1);
    };
    let members = &glob[start..close];
    let mut hit = false;
    let mut i = 0;
    while let Some(&low) = members.get(i) {
        if members.get(i + 1) == Some(&b'-') && i + 2 < members.len() {
            hit |= (low..=members[i + 2]).contains(&c);
            i += 3;
        } else {
            hit |= low == c;
            i += 1;
        }
    }
    (hit != negated).then_some(close + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_patterns() {
        for (glob, name, yes) in [
            ("part-*.inc", "part-1.inc", true),
            ("part-*.inc", "part-.inc", true),
            ("part-*.inc", "part-1.conf", false),
            ("a*b*c", "axxbyybzc", true),
            ("a*b*c", "axxbyybz", false),
            ("?", "", false),
            ("[12]x", "2x", true),
            ("[!12]x", "2x", false),
            ("[a-c]x", "bx", true),
            ("[]]", "]", true),
            ("[a", "[a", true),
            ("", "", true),
            ("*", "anything", true),
        ] {
            assert_eq!(matches(glob.as_bytes(), name.as_bytes()), yes, "{glob} against {name}");
        }
    }
}

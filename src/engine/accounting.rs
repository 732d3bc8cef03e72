//! How often each place of a filter has decided about routes, per channel and direction.
//!
//! Why always on: the question "which rule threw it away?" comes after the fact. What it costs is one
//! addition per run: a verdict carries the number of its site, dense in the filter's program, and the
//! counters are a list of that length. File and line are looked up when somebody asks.
//!
//! Routes kept by `import keep filtered` remember their site in two bytes that a
//! [`Route`](crate::table::Route) has to spare ([`Refusal`]).

use crate::filter::{Outcome, RuntimeError, Verdict};

/// Different runtime errors that are told apart; more are only counted.
const ERRORS: usize = 32;

/// The counters of one filter of one channel.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// When counting began, in microseconds since the daemon's start.
    pub since: u64,
    /// By number of site. Shorter than the list of sites until the later ones have decided.
    pub sites: Vec<u64>,
    /// Runs that came to no verdict: the route was rejected.
    pub undecided: u64,
    /// Runtime errors, in the order of their first appearance, with their numbers.
    pub errors: Vec<(RuntimeError, u64)>,
    /// Runtime errors not among those.
    pub more_errors: u64,
}

impl Tally {
    /// Counters that begin now.
    pub fn new(since: u64) -> Tally {
        Tally { since, ..Tally::default() }
    }

    /// Takes down how a run ended.
    #[inline]
    pub fn count(&mut self, outcome: Outcome) {
        match outcome.site {
            Some(site) => match self.sites.get_mut(site as usize) {
                Some(count) => *count += 1,
                None => self.first(site),
            },
            None => self.unusual(outcome),
        }
    }

    #[cold]
    fn first(&mut self, site: u32) {
        self.sites.resize(site as usize + 1, 0);
        self.sites[site as usize] = 1;
    }

    #[cold]
    fn unusual(&mut self, outcome: Outcome) {
        let Some(error) = outcome.error else {
            self.undecided += 1;
            return;
        };
        match self.errors.iter().position(|(known, _)| *known == error) {
            Some(at) => self.errors[at].1 += 1,
            None if self.errors.len() < ERRORS => self.errors.push((error, 1)),
            None => self.more_errors += 1,
        }
    }

    /// The count of a site.
    pub fn site(&self, number: usize) -> u64 {
        self.sites.get(number).copied().unwrap_or(0)
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.sites.iter().all(|n| *n == 0) && self.undecided == 0 && self.errors.is_empty()
    }
}

/// Which of a channel's two filters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Direction {
    /// From the protocol into the table.
    Import,
    /// From the table to the protocol.
    Export,
}

impl Direction {
    /// The word of the language.
    pub fn word(self) -> &'static str {
        match self {
            Direction::Import => "import",
            Direction::Export => "export",
        }
    }
}

/// Why a route that is kept was not imported. Fits [`Route::refusal`](crate::table::Route::refusal).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// It was imported, or nobody knows why it was not.
    Unknown,
    /// Over the import limit.
    Limit,
    /// Outside of `import in`.
    Outside,
    /// `import none`
    None,
    /// A runtime error of the filter.
    Error,
    /// The filter came to no verdict.
    Undecided,
    /// A site of the filter.
    Site(u32),
}

/// Numbers below stand for everything that is no site.
const FIRST_SITE: u16 = 8;

impl Refusal {
    /// What a filter's decision says; without a filter, `import none` decided.
    pub fn of(outcome: Option<&Outcome>) -> Refusal {
        match outcome {
            None => Refusal::None,
            Some(Outcome { verdict: Verdict::Accept, .. }) => Refusal::Unknown,
            Some(Outcome { site: Some(site), .. }) => Refusal::Site(*site),
            Some(Outcome { error: Some(_), .. }) => Refusal::Error,
            Some(_) => Refusal::Undecided,
        }
    }

    /// As it stands in the route. A site whose number is too large for that is forgotten.
    pub fn number(self) -> u16 {
        match self {
            Refusal::Unknown => 0,
            Refusal::Limit => 1,
            Refusal::Outside => 2,
            Refusal::None => 3,
            Refusal::Error => 4,
            Refusal::Undecided => 5,
            Refusal::Site(site) => {
                u16::try_from(site).ok().and_then(|n| n.checked_add(FIRST_SITE)).unwrap_or(0)
            }
        }
    }

    /// Back from the route.
    pub fn from_number(number: u16) -> Refusal {
        match number {
            1 => Refusal::Limit,
            2 => Refusal::Outside,
            3 => Refusal::None,
            4 => Refusal::Error,
            5 => Refusal::Undecided,
            n => n.checked_sub(FIRST_SITE).map_or(Refusal::Unknown, |site| Refusal::Site(site.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(line: u32) -> Outcome {
        let error = RuntimeError { line, message: "No route to access".into(), at: (0, line) };
        Outcome { verdict: Verdict::Error, site: None, error: Some(error) }
    }

    #[test]
    fn refusals_fit_their_number() {
        use Refusal::*;
        for refusal in [Unknown, Limit, Outside, None, Error, Undecided, Site(0), Site(65_527)] {
            assert_eq!(Refusal::from_number(refusal.number()), refusal);
        }
        assert_eq!(Refusal::from_number(Site(65_528).number()), Unknown);
    }

    #[test]
    fn errors_are_told_apart_up_to_a_point() {
        let mut tally = Tally::new(5);
        for line in 0..40 {
            tally.count(error(line));
            tally.count(error(0));
        }
        assert_eq!((tally.errors.len(), tally.errors[0].1, tally.more_errors), (32, 41, 8));
        tally.count(Outcome { verdict: Verdict::Reject, site: Some(3), error: None });
        tally.count(Outcome { verdict: Verdict::Error, site: None, error: None });
        assert_eq!((tally.site(3), tally.site(2), tally.site(9), tally.undecided), (1, 0, 0, 1));
        assert!(!tally.is_empty() && Tally::new(0).is_empty());
    }
}

//! What became of every report of the demonstration: a few bytes each, so that a million fit.

use crate::mock::Tongue;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most complaints that are kept word for word; the rest are counted.
const COMPLAINTS_MAX: usize = 10;

/// The account of all partners.
#[derive(Debug)]
pub(super) struct Ledger {
    partners: Vec<Mutex<Account>>,
    complaints: Mutex<Complaints>,
}

/// What went otherwise than the scenario intended.
#[derive(Clone, Debug, Default)]
pub(super) struct Complaints {
    /// The first ones.
    pub(super) list: Vec<String>,
    /// All.
    pub(super) count: u64,
}

/// The account of one partner, by number of the report.
#[derive(Debug, Default)]
struct Account {
    states: Vec<State>,
    /// Positions by receipt; 0: none.
    positions: Vec<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    sent: bool,
    refused: bool,
    /// Times it was found in the feed, up to 255.
    fed: u8,
}

/// The sums of the last line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) sent: u64,
    pub(super) receipted: u64,
    pub(super) refused: u64,
    pub(super) fed: u64,
    pub(super) missing: u64,
    pub(super) doubled: u64,
}

impl Ledger {
    /// An empty account for every partner.
    pub(super) fn new() -> Self {
        Self {
            partners: Tongue::ALL.map(|_| Mutex::default()).into(),
            complaints: Mutex::default(),
        }
    }

    /// A report goes out for the first time, or again.
    pub(super) fn sent(&self, partner: Tongue, number: u64) {
        self.change(partner, number, |state, _| state.sent = true);
    }

    /// A receipt came. Two receipts of one report must name one position.
    pub(super) fn receipted(&self, partner: Tongue, number: u64, position: u64) {
        let before = self.change(partner, number, |_, place| {
            let before = *place;
            *place = position;
            before
        });
        if let Some(before) = before.filter(|&before| before != 0 && before != position) {
            let nation = partner.nation();
            self.complain(format!(
                "report {number} of {nation} has two receipts: positions {before} and {position}"
            ));
        }
    }

    /// It was refused.
    pub(super) fn refused(&self, partner: Tongue, number: u64) {
        self.change(partner, number, |state, _| state.refused = true);
    }

    /// It was found in the feed.
    pub(super) fn fed(&self, partner: Tongue, number: u64, position: u64) {
        let receipted = self.change(partner, number, |state, place| {
            state.fed = state.fed.saturating_add(1);
            *place
        });
        let nation = partner.nation();
        match receipted {
            Some(at) if at == position => {}
            Some(0) | None => self.complain(format!(
                "position {position} holds report {number} of {nation}, which has no receipt"
            )),
            Some(at) => self.complain(format!(
                "position {position} holds report {number} of {nation}, receipted at {at}"
            )),
        }
    }

    /// Something went otherwise than intended.
    pub(super) fn complain(&self, complaint: String) {
        let mut complaints = lock(&self.complaints);
        complaints.count += 1;
        if complaints.list.len() < COMPLAINTS_MAX {
            complaints.list.push(complaint);
        }
    }

    /// What went otherwise than intended so far.
    pub(super) fn complaints(&self) -> Complaints {
        lock(&self.complaints).clone()
    }

    /// The highest position of any receipt; 0: none was given.
    pub(super) fn last_position(&self) -> u64 {
        let highest = |account: &Mutex<Account>| lock(account).positions.iter().copied().max();
        self.partners.iter().filter_map(highest).max().unwrap_or(0)
    }

    /// The sums so far.
    pub(super) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for account in &self.partners {
            let account = lock(account);
            for (state, &position) in account.states.iter().zip(&account.positions) {
                let receipted = position != 0;
                tally.sent += u64::from(state.sent);
                tally.receipted += u64::from(receipted);
                tally.refused += u64::from(state.refused && !receipted);
                tally.fed += u64::from(state.fed > 0);
                tally.missing += u64::from(receipted && state.fed == 0);
                tally.doubled += u64::from(state.fed > 1);
            }
        }
        tally
    }

    fn change<T>(
        &self,
        partner: Tongue,
        number: u64,
        change: impl FnOnce(&mut State, &mut u64) -> T,
    ) -> Option<T> {
        let index = usize::try_from(number).ok()?;
        let mut account = lock(self.partners.get(partner as usize)?);
        if account.states.len() <= index {
            account.states.resize(index + 1, State::default());
            account.positions.resize(index + 1, 0);
        }
        let Account { states, positions } = &mut *account;
        Some(change(states.get_mut(index)?, positions.get_mut(index)?))
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // Counters stay usable after a panic elsewhere, which fails the demonstration anyhow.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_tell_missing_from_doubled() {
        let ledger = Ledger::new();
        for number in 0..4 {
            ledger.sent(Tongue::Pol, number);
        }
        ledger.sent(Tongue::Pol, 0);
        ledger.receipted(Tongue::Pol, 0, 7);
        ledger.receipted(Tongue::Pol, 0, 7);
        ledger.receipted(Tongue::Pol, 1, 8);
        ledger.receipted(Tongue::Pol, 2, 9);
        ledger.refused(Tongue::Pol, 3);
        ledger.fed(Tongue::Pol, 0, 7);
        ledger.fed(Tongue::Pol, 1, 8);
        ledger.fed(Tongue::Pol, 1, 8);
        let tally = Tally {
            sent: 4,
            receipted: 3,
            refused: 1,
            fed: 2,
            missing: 1,
            doubled: 1,
        };
        assert_eq!(ledger.tally(), tally);
        assert_eq!(ledger.complaints().count, 0);
        ledger.receipted(Tongue::Pol, 0, 70);
        ledger.fed(Tongue::Fra, 5, 10);
        assert_eq!(ledger.complaints().count, 2);
    }
}

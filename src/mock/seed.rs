//! Chance that can be repeated: SplitMix64 (public domain, S. Vigna). The same seed gives the
//! same draws on every machine, so that a mock report can be made again from its number.
//! Never for keys or anything secret.

const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// A stream of draws.
#[derive(Clone, Debug)]
pub struct Draws {
    state: u64,
}

impl Draws {
    /// The draws of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The draws of one numbered thing of one stream: far from those of its neighbours.
    #[must_use]
    pub const fn of(seed: u64, stream: u64, number: u64) -> Self {
        let mixed = mix(seed ^ mix(stream.wrapping_add(GOLDEN_GAMMA)));
        Self::new(mix(mixed ^ mix(number.wrapping_mul(GOLDEN_GAMMA))))
    }

    /// All 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN_GAMMA);
        mix(self.state)
    }

    /// A number below `end`; 0 when `end` is 0. The bias of `end / 2^64` does not matter here.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the high half of the product is below `end`"
    )]
    pub const fn below(&mut self, end: u64) -> u64 {
        ((self.bits() as u128 * end as u128) >> 64) as u64
    }

    /// A number from 0 to below 1.
    #[allow(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub const fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number from `low` to below `high`.
    pub const fn between(&mut self, low: f64, high: f64) -> f64 {
        low + self.unit() * (high - low)
    }

    /// One of `choices`, or the type's default where there are none.
    pub fn one_of<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        let index = usize::try_from(self.below(choices.len() as u64)).unwrap_or(0);
        choices.get(index).copied().unwrap_or_default()
    }
}

const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_those_of_the_published_generator() {
        let mut draws = Draws::new(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!([draws.bits(), draws.bits(), draws.bits()], expected);
    }

    #[test]
    fn bounds_hold() {
        let mut draws = Draws::of(1, 2, 3);
        for _ in 0..1_000 {
            assert!(draws.below(7) < 7);
            assert!((2.0..3.0).contains(&draws.between(2.0, 3.0)));
        }
        assert_eq!(draws.below(0), 0);
        assert_eq!(draws.one_of::<u8>(&[]), 0);
    }
}

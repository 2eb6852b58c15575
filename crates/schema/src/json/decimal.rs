//! Numbers of a schema, compared by their value and not by how they were written.

use std::cmp::Ordering;

/// A number with its digits. `1.0`, `1` and `10e-1` are three decimals of equal value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Decimal(String);

impl Decimal {
    pub(super) fn new(number: &serde_json::Number) -> Self {
        Decimal(number.as_str().to_owned())
    }

    /// Which of the two is larger.
    pub(super) fn compare(&self, other: &Decimal) -> Ordering {
        match self.aligned(other) {
            Some((one, other)) => one.cmp(&other),
            None => self.approximate().total_cmp(&other.approximate()),
        }
    }

    /// Whether `self` is `divisor` taken a whole number of times.
    pub(super) fn is_multiple_of(&self, divisor: &Decimal) -> bool {
        match self.aligned(divisor) {
            Some((_, 0)) => false,
            Some((number, divisor)) => number % divisor == 0,
            None => self.approximate() % divisor.approximate() == 0.0,
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        !self.0.split(['e', 'E']).next().unwrap_or_default().contains(|c| ('1'..='9').contains(&c))
    }

    fn approximate(&self) -> f64 {
        // What JSON calls a number is one for Rust too; too large ones are infinite.
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// Both as integers of one unit, where 128 bits suffice for that.
    fn aligned(&self, other: &Decimal) -> Option<(i128, i128)> {
        let ((one, one_exponent), (two, two_exponent)) = (self.exact()?, other.exact()?);
        let unit = one_exponent.min(two_exponent);
        Some((scaled(one, one_exponent - unit)?, scaled(two, two_exponent - unit)?))
    }

    /// The digits as an integer, and the power of ten that it is to be multiplied with.
    fn exact(&self) -> Option<(i128, i64)> {
        let (mantissa, exponent) = self.0.split_once(['e', 'E']).unwrap_or((&self.0, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let fraction = fraction.trim_end_matches('0');
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let exponent = exponent.parse::<i32>().ok()?;
        let behind = i64::try_from(fraction.len()).ok()?;
        Some((digits, if digits == 0 { 0 } else { i64::from(exponent) - behind }))
    }
}

fn scaled(digits: i128, power: i64) -> Option<i128> {
    let power = u32::try_from(power).ok()?;
    digits.checked_mul(10_i128.checked_pow(power)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        Decimal(text.to_owned())
    }

    #[test]
    fn numbers_compare_by_value() {
        let ascending =
            ["-1e400", "-10", "-1.5", "-0.001", "0", "1e-30", "0.1", "0.10000000000000001", "1"];
        for (one, other) in ascending.iter().zip(&ascending[1..]) {
            assert_eq!(decimal(one).compare(&decimal(other)), Ordering::Less, "{one} {other}");
        }
        for same in ["1", "1.0", "10e-1", "0.1e1", "1E0"] {
            assert_eq!(decimal(same).compare(&decimal("1")), Ordering::Equal, "{same}");
        }
        assert_eq!(
            decimal("9007199254740993").compare(&decimal("9007199254740992")),
            Ordering::Greater,
            "what a double cannot tell apart"
        );
    }

    #[test]
    fn multiples_are_exact() {
        assert!(decimal("0.3").is_multiple_of(&decimal("0.1")));
        assert!(decimal("1e2").is_multiple_of(&decimal("0.25")));
        assert!(decimal("-4").is_multiple_of(&decimal("2")));
        assert!(!decimal("0.35").is_multiple_of(&decimal("0.1")));
        assert!(!decimal("1").is_multiple_of(&decimal("0")));
        assert!(decimal("0").is_zero() && decimal("0.00e5").is_zero());
        assert!(!decimal("0.01").is_zero() && !decimal("1e-400").is_zero());
    }

    proptest! {
        #[test]
        fn any_two_numbers_compare_without_a_panic(
            one in "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,12})?",
            other in "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,12})?",
        ) {
            let (one, other) = (decimal(&one), decimal(&other));
            prop_assert_eq!(one.compare(&other), other.compare(&one).reverse());
            let _ = one.is_multiple_of(&other);
        }
    }
}

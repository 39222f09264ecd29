//! `record::codes` are the contract's enumerations: every one, every value, by number and name.

use super::contract;
use crate::record::codes::*;
use std::collections::BTreeMap;

/// Number and name of each value.
type Values = Vec<(i32, String)>;

fn ours<C: Coded>() -> Values {
    C::VALUES
        .iter()
        .map(|code| {
            assert!(C::of_number(code.code_number()).is_some());
            (code.code_number(), code.code_name().to_owned())
        })
        .collect()
}

macro_rules! table {
    ($($name:ident),+ $(,)?) => {
        BTreeMap::from([$((stringify!($name), ours::<$name>()),)+])
    };
}

#[test]
fn codes_are_the_contracts() {
    let table = table![
        Action,
        Environment,
        Origin,
        VerificationStatus,
        ObserverMeans,
        ObservationType,
        CountBasis,
        CountQualifier,
        FirePhase,
        WeaponClass,
        WithdrawalStatus,
        CasualtyCategory,
        PositionMethod,
        UncertaintyKind,
        VerticalDatum,
        Level,
        CommitmentStage,
        ContributionKind,
        PersonnelCategory,
        OperationalStatus,
        CaveatCode,
        Severity,
        AxisOrder,
        AngleUnit,
        NorthReference,
    ];
    let mut compared = 0;
    for file in ["entente/v1/record.proto", "entente/v1/report.proto"] {
        for codes in contract().get_file_by_name(file).unwrap().enums() {
            let mut values = codes.values();
            let unspecified = values.next().unwrap();
            assert_eq!(unspecified.number(), 0);
            let prefix = unspecified.name().strip_suffix("UNSPECIFIED").unwrap();
            let theirs: Values = values
                .map(|v| {
                    (
                        v.number(),
                        v.name().strip_prefix(prefix).unwrap().to_owned(),
                    )
                })
                .collect();
            assert_eq!(Some(&theirs), table.get(codes.name()), "{}", codes.name());
            compared += 1;
        }
    }
    assert_eq!(compared, table.len());
}

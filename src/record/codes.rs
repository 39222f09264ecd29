//! The contract's enumerations as our own types: the numbers are the contract's, and a test
//! in `wire` holds both against each other. UNSPECIFIED is no value here: it is absence.

/// What all enumerations of the contract can do; for code that judges any of them.
pub trait Coded: Copy + 'static {
    /// Every value, by number.
    const VALUES: &'static [Self];

    /// The value with this number in the contract.
    fn of_number(number: i32) -> Option<Self>;

    /// The number in the contract.
    fn code_number(self) -> i32;

    /// The name in the contract, without the enumeration's prefix.
    fn code_name(self) -> &'static str;
}

/// Declares an enumeration of the contract.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $number:literal $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "the contract documents each value")]
        pub enum $name { $($variant = $number,)+ }

        impl $name {
            /// Every value, by number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The value with this number in the contract.
            #[must_use]
            pub fn from_number(number: i32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The number in the contract.
            #[must_use]
            pub fn number(self) -> i32 {
                self as i32
            }

            /// The name in the contract, without the enumeration's prefix.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// The value with this name (as [`Self::name`] gives it).
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl Coded for $name {
            const VALUES: &'static [Self] = Self::ALL;

            fn of_number(number: i32) -> Option<Self> {
                Self::from_number(number)
            }

            fn code_number(self) -> i32 {
                self.number()
            }

            fn code_name(self) -> &'static str {
                self.name()
            }
        }
    };
}

codes! {
    /// What a report does to what was reported before.
    Action {
        New = 1 "NEW",
        Update = 2 "UPDATE",
        Correction = 3 "CORRECTION",
        Retraction = 4 "RETRACTION",
    }
}

codes! {
    /// Whether the report is about the real world.
    Environment {
        Live = 1 "LIVE",
        Exercise = 2 "EXERCISE",
        Simulation = 3 "SIMULATION",
    }
}

codes! {
    /// How the originator came to know.
    Origin {
        OwnObservation = 1 "OWN_OBSERVATION",
        PartyAllegation = 2 "PARTY_ALLEGATION",
        ThirdParty = 3 "THIRD_PARTY",
        Public = 4 "PUBLIC",
    }
}

codes! {
    /// How far the originator has verified the report.
    VerificationStatus {
        Unverified = 1 "UNVERIFIED",
        UnderInvestigation = 2 "UNDER_INVESTIGATION",
        Corroborated = 3 "CORROBORATED",
        Verified = 4 "VERIFIED",
        NotSubstantiated = 5 "NOT_SUBSTANTIATED",
        Retracted = 6 "RETRACTED",
    }
}

codes! {
    /// By what means it was observed; a report may name several.
    ObserverMeans {
        Saw = 1 "SAW",
        Heard = 2 "HEARD",
        RecordedCamera = 3 "RECORDED_CAMERA",
        UavImagery = 4 "UAV_IMAGERY",
        Satellite = 5 "SATELLITE",
        Radar = 6 "RADAR",
        AcousticSensor = 7 "ACOUSTIC_SENSOR",
        Seismic = 8 "SEISMIC",
        PhysicalInspection = 9 "PHYSICAL_INSPECTION",
        Interview = 10 "INTERVIEW",
        Document = 11 "DOCUMENT",
    }
}

codes! {
    /// What was observed.
    ObservationType {
        Explosion = 1 "EXPLOSION",
        Burst = 2 "BURST",
        Shot = 3 "SHOT",
        ProjectileInFlight = 4 "PROJECTILE_IN_FLIGHT",
        MuzzleFlash = 5 "MUZZLE_FLASH",
        IlluminationFlare = 6 "ILLUMINATION_FLARE",
        Airburst = 7 "AIRBURST",
        EquipmentPresent = 8 "EQUIPMENT_PRESENT",
        EquipmentMissing = 9 "EQUIPMENT_MISSING",
        Movement = 10 "MOVEMENT",
        Uxo = 11 "UXO",
        Mine = 12 "MINE",
        CraterOrDamage = 13 "CRATER_OR_DAMAGE",
        UavFlight = 14 "UAV_FLIGHT",
        Jamming = 15 "JAMMING",
        AccessDenied = 16 "ACCESS_DENIED",
        Other = 17 "OTHER",
    }
}

codes! {
    /// What one unit of a count is. Counts of different bases are never added.
    CountBasis {
        Individual = 1 "INDIVIDUAL",
        Episode = 2 "EPISODE",
        Item = 3 "ITEM",
        Unknown = 4 "UNKNOWN",
    }
}

codes! {
    /// How exact a count is.
    CountQualifier {
        Exact = 1 "EXACT",
        About = 2 "ABOUT",
        AtLeast = 3 "AT_LEAST",
        AtMost = 4 "AT_MOST",
        Unquantified = 5 "UNQUANTIFIED",
    }
}

codes! {
    /// Where a projectile or fire was in its course, as the observer saw it.
    FirePhase {
        Outgoing = 1 "OUTGOING",
        Incoming = 2 "INCOMING",
        Impact = 3 "IMPACT",
        InFlight = 4 "IN_FLIGHT",
        Undetermined = 5 "UNDETERMINED",
    }
}

codes! {
    /// Weapon and equipment classes after the MIL-STD-2525D land equipment tree.
    WeaponClass {
        SmallArms = 1 "SMALL_ARMS",
        MachineGunHeavy = 2 "MACHINE_GUN_HEAVY",
        GrenadeLauncherAuto = 3 "GRENADE_LAUNCHER_AUTO",
        AtRocketLauncher = 4 "AT_ROCKET_LAUNCHER",
        Recoilless = 5 "RECOILLESS",
        Atgm = 6 "ATGM",
        Mortar = 7 "MORTAR",
        HowitzerTowed = 8 "HOWITZER_TOWED",
        HowitzerSp = 9 "HOWITZER_SP",
        Mlrs = 10 "MLRS",
        Ssm = 11 "SSM",
        Sam = 12 "SAM",
        AaGun = 13 "AA_GUN",
        Tank = 14 "TANK",
        Ifv = 15 "IFV",
        Apc = 16 "APC",
        Mine = 17 "MINE",
        Uav = 18 "UAV",
        Undetermined = 19 "UNDETERMINED",
    }
}

codes! {
    /// Whether heavy weapons are where agreed withdrawal lines allow them.
    WithdrawalStatus {
        InViolationOfWithdrawalLines = 1 "IN_VIOLATION_OF_WITHDRAWAL_LINES",
        BeyondLinesOutsideStorage = 2 "BEYOND_LINES_OUTSIDE_STORAGE",
        InStorageCouldNotVerify = 3 "IN_STORAGE_COULD_NOT_VERIFY",
        MissingFromStorage = 4 "MISSING_FROM_STORAGE",
        SecurityZonePresence = 5 "SECURITY_ZONE_PRESENCE",
    }
}

codes! {
    /// Whose casualties.
    CasualtyCategory {
        Civilian = 1 "CIVILIAN",
        Military = 2 "MILITARY",
        Monitor = 3 "MONITOR",
        Unknown = 4 "UNKNOWN",
    }
}

codes! {
    /// How a position came about.
    PositionMethod {
        Direct = 1 "DIRECT",
        CellCentre = 2 "CELL_CENTRE",
        Relative = 3 "RELATIVE",
        Gazetteer = 4 "GAZETTEER",
    }
}

codes! {
    /// What `horizontal_uncertainty_m` means.
    UncertaintyKind {
        OneSigma = 1 "ONE_SIGMA",
        CellBound = 2 "CELL_BOUND",
    }
}

codes! {
    /// What a height is measured from. Heights are never converted between datums.
    VerticalDatum {
        HaeWgs84 = 1 "HAE_WGS84",
        Msl = 2 "MSL",
        Agl = 3 "AGL",
        Pressure = 4 "PRESSURE",
        Unknown = 5 "UNKNOWN",
    }
}

codes! {
    /// The canonical ladder of protection levels; a higher number is stricter.
    Level {
        Unclassified = 1 "UNCLASSIFIED",
        Restricted = 2 "RESTRICTED",
        Confidential = 3 "CONFIDENTIAL",
        Secret = 4 "SECRET",
        TopSecret = 5 "TOP_SECRET",
    }
}

codes! {
    /// How far a contribution has come.
    CommitmentStage {
        Pledged = 1 "PLEDGED",
        Committed = 2 "COMMITTED",
        Allocated = 3 "ALLOCATED",
        InTransit = 4 "IN_TRANSIT",
        Deployed = 5 "DEPLOYED",
        Operational = 6 "OPERATIONAL",
        RotatingOut = 7 "ROTATING_OUT",
        Withdrawn = 8 "WITHDRAWN",
    }
}

codes! {
    /// What is contributed.
    ContributionKind {
        Personnel = 1 "PERSONNEL",
        Unit = 2 "UNIT",
        Sensor = 3 "SENSOR",
        Uav = 4 "UAV",
        Maritime = 5 "MARITIME",
        Air = 6 "AIR",
        Logistics = 7 "LOGISTICS",
        Medical = 8 "MEDICAL",
        EngineeringDemining = 9 "ENGINEERING_DEMINING",
        Cis = 10 "CIS",
        Finance = 11 "FINANCE",
        Facility = 12 "FACILITY",
        Training = 13 "TRAINING",
    }
}

codes! {
    /// Categories of people, after the definitions of UN Peacekeeping.
    PersonnelCategory {
        ContingentTroop = 1 "CONTINGENT_TROOP",
        StaffOfficer = 2 "STAFF_OFFICER",
        MilitaryObserver = 3 "MILITARY_OBSERVER",
        LiaisonOfficer = 4 "LIAISON_OFFICER",
        FormedPoliceUnit = 5 "FORMED_POLICE_UNIT",
        IndividualPolice = 6 "INDIVIDUAL_POLICE",
        CivilianMonitor = 7 "CIVILIAN_MONITOR",
        CivilianSpecialist = 8 "CIVILIAN_SPECIALIST",
    }
}

codes! {
    /// How able a contribution is to do its work.
    OperationalStatus {
        Fmc = 1 "FMC",
        Pmc = 2 "PMC",
        Nmc = 3 "NMC",
        NmcMaintenance = 4 "NMC_MAINTENANCE",
        NmcSupply = 5 "NMC_SUPPLY",
        Unknown = 6 "UNKNOWN",
    }
}

codes! {
    /// Coded limits that a nation puts on its contribution.
    CaveatCode {
        NoNightOps = 1 "NO_NIGHT_OPS",
        AreaRestricted = 2 "AREA_RESTRICTED",
        NoUav = 3 "NO_UAV",
        NoCrossLine = 4 "NO_CROSS_LINE",
    }
}

codes! {
    /// How a reader should take a trace entry.
    Severity {
        Info = 1 "INFO",
        Warn = 2 "WARN",
    }
}

codes! {
    /// The order of the two numbers of a position.
    AxisOrder {
        NorthEast = 1 "NORTH_EAST",
        EastNorth = 2 "EAST_NORTH",
    }
}

codes! {
    /// Unit of an angle. A number without a unit is refused.
    AngleUnit {
        Degree = 1 "DEGREE",
        MilNato = 2 "MIL_NATO",
        Mil6000 = 3 "MIL_6000",
        Gon = 4 "GON",
        Mil6300 = 5 "MIL_6300",
    }
}

codes! {
    /// What a bearing is measured from.
    NorthReference {
        True = 1 "TRUE",
        Grid = 2 "GRID",
        Magnetic = 3 "MAGNETIC",
    }
}

//! SIDs that mean the same on every machine. They are recognised by number: their names are translated
//! (Microsoft Learn, "Security identifiers"; [MS-DTYP] 2.4.2.4).

/// The English name of a SID that is the same everywhere, so that machines of two languages say the same.
pub(crate) fn well_known_name(sid: &str) -> Option<&'static str> {
    let found = NAMES
        .binary_search_by(|(known, _)| (*known).cmp(sid))
        .ok()?;
    NAMES.get(found).map(|(_, name)| *name)
}

/// The English name of a number that means the same in each domain.
pub(crate) fn relative_name(number: u32) -> Option<&'static str> {
    Some(match number {
        498 => "Enterprise Read-only Domain Controllers",
        500 => "Administrator",
        501 => "Guest",
        512 => "Domain Admins",
        513 => "Domain Users",
        514 => "Domain Guests",
        515 => "Domain Computers",
        516 => "Domain Controllers",
        517 => "Cert Publishers",
        518 => "Schema Admins",
        519 => "Enterprise Admins",
        520 => "Group Policy Creator Owners",
        522 => "Cloneable Domain Controllers",
        525 => "Protected Users",
        526 => "Key Admins",
        527 => "Enterprise Key Admins",
        553 => "RAS and IAS Servers",
        _ => return None,
    })
}

/// Of a SID of a domain or a machine: what its accounts begin with, and the number of this one.
pub(crate) fn is_of_a_domain(sid: &str) -> Option<(&str, u32)> {
    let (domain, number) = sid.rsplit_once('-')?;
    let is_whole = domain.starts_with("S-1-5-21-") && domain.split('-').count() == 7;
    is_whole.then_some((domain, number.parse().ok()?))
}

/// Sorted as text.
const NAMES: &[(&str, &str)] = &[
    ("S-1-0-0", "Nobody"),
    ("S-1-1-0", "Everyone"),
    ("S-1-15-2-1", "ALL APPLICATION PACKAGES"),
    ("S-1-15-2-2", "ALL RESTRICTED APPLICATION PACKAGES"),
    ("S-1-2-0", "LOCAL"),
    ("S-1-2-1", "CONSOLE LOGON"),
    ("S-1-3-0", "CREATOR OWNER"),
    ("S-1-3-1", "CREATOR GROUP"),
    ("S-1-3-4", "OWNER RIGHTS"),
    ("S-1-5-1", "NT AUTHORITY\\DIALUP"),
    ("S-1-5-10", "NT AUTHORITY\\SELF"),
    ("S-1-5-11", "NT AUTHORITY\\Authenticated Users"),
    ("S-1-5-113", "NT AUTHORITY\\Local account"),
    (
        "S-1-5-114",
        "NT AUTHORITY\\Local account and member of Administrators group",
    ),
    ("S-1-5-12", "NT AUTHORITY\\RESTRICTED"),
    ("S-1-5-13", "NT AUTHORITY\\TERMINAL SERVER USER"),
    ("S-1-5-14", "NT AUTHORITY\\REMOTE INTERACTIVE LOGON"),
    ("S-1-5-15", "NT AUTHORITY\\This Organization"),
    ("S-1-5-17", "NT AUTHORITY\\IUSR"),
    ("S-1-5-18", "NT AUTHORITY\\SYSTEM"),
    ("S-1-5-19", "NT AUTHORITY\\LOCAL SERVICE"),
    ("S-1-5-2", "NT AUTHORITY\\NETWORK"),
    ("S-1-5-20", "NT AUTHORITY\\NETWORK SERVICE"),
    ("S-1-5-3", "NT AUTHORITY\\BATCH"),
    ("S-1-5-32-544", "BUILTIN\\Administrators"),
    ("S-1-5-32-545", "BUILTIN\\Users"),
    ("S-1-5-32-546", "BUILTIN\\Guests"),
    ("S-1-5-32-547", "BUILTIN\\Power Users"),
    ("S-1-5-32-548", "BUILTIN\\Account Operators"),
    ("S-1-5-32-549", "BUILTIN\\Server Operators"),
    ("S-1-5-32-550", "BUILTIN\\Print Operators"),
    ("S-1-5-32-551", "BUILTIN\\Backup Operators"),
    ("S-1-5-32-552", "BUILTIN\\Replicator"),
    (
        "S-1-5-32-554",
        "BUILTIN\\Pre-Windows 2000 Compatible Access",
    ),
    ("S-1-5-32-555", "BUILTIN\\Remote Desktop Users"),
    ("S-1-5-32-556", "BUILTIN\\Network Configuration Operators"),
    ("S-1-5-32-558", "BUILTIN\\Performance Monitor Users"),
    ("S-1-5-32-559", "BUILTIN\\Performance Log Users"),
    ("S-1-5-32-562", "BUILTIN\\Distributed COM Users"),
    ("S-1-5-32-568", "BUILTIN\\IIS_IUSRS"),
    ("S-1-5-32-569", "BUILTIN\\Cryptographic Operators"),
    ("S-1-5-32-573", "BUILTIN\\Event Log Readers"),
    ("S-1-5-32-574", "BUILTIN\\Certificate Service DCOM Access"),
    ("S-1-5-32-575", "BUILTIN\\RDS Remote Access Servers"),
    ("S-1-5-32-576", "BUILTIN\\RDS Endpoint Servers"),
    ("S-1-5-32-577", "BUILTIN\\RDS Management Servers"),
    ("S-1-5-32-578", "BUILTIN\\Hyper-V Administrators"),
    (
        "S-1-5-32-579",
        "BUILTIN\\Access Control Assistance Operators",
    ),
    ("S-1-5-32-580", "BUILTIN\\Remote Management Users"),
    ("S-1-5-33", "NT AUTHORITY\\WRITE RESTRICTED"),
    ("S-1-5-4", "NT AUTHORITY\\INTERACTIVE"),
    ("S-1-5-6", "NT AUTHORITY\\SERVICE"),
    ("S-1-5-7", "NT AUTHORITY\\ANONYMOUS LOGON"),
    ("S-1-5-80-0", "NT SERVICE\\ALL SERVICES"),
    (
        "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
        "NT SERVICE\\TrustedInstaller",
    ),
    ("S-1-5-9", "NT AUTHORITY\\ENTERPRISE DOMAIN CONTROLLERS"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_each_sid_is_found() {
        assert!(NAMES.is_sorted_by(|(a, _), (b, _)| a < b));
        assert_eq!(well_known_name("S-1-1-0"), Some("Everyone"));
        assert_eq!(
            well_known_name("S-1-5-9"),
            Some("NT AUTHORITY\\ENTERPRISE DOMAIN CONTROLLERS")
        );
        assert_eq!(well_known_name("S-1-5-21-1-2-3-512"), None);
    }

    #[test]
    fn a_sid_of_a_domain_has_three_numbers_and_one_of_its_own() {
        assert_eq!(
            is_of_a_domain("S-1-5-21-1-2-3-1105"),
            Some(("S-1-5-21-1-2-3", 1105))
        );
        assert_eq!(is_of_a_domain("S-1-5-21-1-2-3"), None);
        assert_eq!(is_of_a_domain("S-1-5-32-544"), None);
    }
}

//! What a column is about, by the words people head it with.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

/// What we do with the cells of a column.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Field {
    /// The name of the machine.
    Name,
    /// A column that could be the name, beside one that is it more surely: another name, or a remark.
    OtherName,
    /// Another name of it.
    Alias,
    /// Addresses, said to be network addresses.
    Address,
    /// Something called an address: a network address or a street.
    Place,
    /// MAC addresses.
    Mac,
    /// SMBIOS UUID.
    Uuid,
    /// SMBIOS UUID under a word that some versions use for something else: taken if there is no better column.
    UuidPerhaps,
    /// The hypervisor it runs on.
    RunsOn,
    /// Operating system.
    OperatingSystem,
    /// Operating system as configured: taken if the running one is not told.
    OperatingSystemPerhaps,
    /// Owner.
    Owner,
    /// Criticality.
    Criticality,
    /// What sort of thing it is.
    Kind,
    /// Anything else, under a word of ours or as headed.
    More,
    /// Nothing we may read: a password.
    Secret,
    /// Nothing we want: it moves, or it is about something else.
    Ignored,
}

/// Words (lower case, letters and digits only) and what they mean, the surest first. For [`Field::More`]: the word it is kept under.
const WORDS: &[(Field, &str, &[&str])] = &[
    (
        Field::Name,
        "",
        &[
            "vm",
            "vmname",
            "hostname",
            "servername",
            "computername",
            "machinename",
            "devicename",
            "systemname",
            "nomdhote",
            "nomduserveur",
            "nomserveur",
            "nomdelamachine",
            "nommachine",
            "имяхоста",
            "имясервера",
            "имякомпьютера",
            "имяузла",
            "name",
            "nom",
            "имя",
            "host",
            "hote",
            "хост",
            "server",
            "serveur",
            "сервер",
            "computer",
            "ordinateur",
            "компьютер",
            "machine",
            "машина",
            "node",
            "узел",
            "poste",
            "device",
            "equipement",
            "устройство",
            "system",
            "наименование",
            "название",
            "ciname",
            "assetname",
            "asset",
        ],
    ),
    (
        Field::Alias,
        "",
        &[
            "fqdn",
            "dnsname",
            "dns",
            "alias",
            "aliases",
            "domainname",
            "nomdns",
            "nomcomplet",
            "nomqualifie",
            "псевдоним",
            "полноеимя",
            "dnsимя",
            "имяdns",
        ],
    ),
    (
        Field::Address,
        "",
        &[
            "ip",
            "ips",
            "ipaddress",
            "ipaddresses",
            "ipaddr",
            "ipv4",
            "ipv6",
            "ipv4address",
            "ipv6address",
            "primaryip",
            "primaryipaddress",
            "ip1",
            "ip2",
            "managementip",
            "mgmtip",
            "adresseip",
            "adressesip",
            "ipадрес",
            "ipадреса",
            "айпи",
        ],
    ),
    (
        Field::Place,
        "address",
        &[
            "address",
            "addresses",
            "adresse",
            "adresses",
            "адрес",
            "адреса",
        ],
    ),
    (
        Field::Mac,
        "",
        &[
            "mac",
            "macs",
            "macaddress",
            "macaddresses",
            "macaddr",
            "ethernetaddress",
            "adressemac",
            "macадрес",
            "физическийадрес",
        ],
    ),
    (Field::Uuid, "", &["smbiosuuid", "biosuuid", "systemuuid"]),
    (Field::UuidPerhaps, "", &["uuid", "vmuuid"]),
    (
        Field::RunsOn,
        "",
        &[
            "hypervisor",
            "hypervisorhost",
            "esx",
            "esxhost",
            "esxi",
            "vmhost",
            "runson",
            "hyperviseur",
            "гипервизор",
        ],
    ),
    (
        Field::OperatingSystem,
        "",
        &[
            "os",
            "osname",
            "operatingsystem",
            "osaccordingtothevmwaretools",
            "systemedexploitation",
            "ос",
            "операционнаясистема",
        ],
    ),
    (
        Field::OperatingSystemPerhaps,
        "",
        &["osaccordingtotheconfigurationfile", "guestos", "esxversion"],
    ),
    (
        Field::Owner,
        "",
        &[
            "owner",
            "owners",
            "systemowner",
            "businessowner",
            "technicalowner",
            "responsible",
            "responsibleperson",
            "contact",
            "admin",
            "administrator",
            "responsable",
            "proprietaire",
            "administrateur",
            "владелец",
            "ответственный",
            "администратор",
            "контакт",
        ],
    ),
    (
        Field::Criticality,
        "",
        &[
            "criticality",
            "critical",
            "businesscriticality",
            "priority",
            "importance",
            "tier",
            "criticite",
            "priorite",
            "критичность",
            "важность",
            "приоритет",
        ],
    ),
    (
        Field::Kind,
        "",
        &[
            "type",
            "kind",
            "class",
            "category",
            "devicetype",
            "assettype",
            "citype",
            "categorie",
            "genre",
            "тип",
            "вид",
            "категория",
            "класс",
        ],
    ),
    (
        Field::More,
        "function",
        &[
            "function",
            "role",
            "purpose",
            "usage",
            "service",
            "services",
            "application",
            "fonction",
            "назначение",
            "роль",
            "функция",
            "служба",
            "приложение",
        ],
    ),
    (
        Field::More,
        "site",
        &[
            "site",
            "location",
            "datacenter",
            "datacentre",
            "building",
            "room",
            "emplacement",
            "lieu",
            "localisation",
            "salle",
            "площадка",
            "расположение",
            "сайт",
            "место",
            "город",
        ],
    ),
    (
        Field::Secret,
        "",
        &[
            "password",
            "passwd",
            "pwd",
            "pass",
            "passphrase",
            "secret",
            "token",
            "apikey",
            "key",
            "privatekey",
            "community",
            "snmpcommunity",
            "credentials",
            "motdepasse",
            "mdp",
            "пароль",
            "пароли",
            "ключ",
        ],
    ),
    (
        Field::Ignored,
        "",
        &[
            "visdkuuid",
            "visdkservertype",
            "visdkapiversion",
            "visdkserver",
            "vmid",
        ],
    ),
];

/// The columns of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Header {
    /// Column → what it is about, and the word it is known or kept under.
    pub(crate) columns: BTreeMap<u32, (Field, String)>,
    /// True for a table of virtual machines.
    pub(crate) is_virtual: bool,
}

impl Header {
    /// Reads a row as a header.
    pub(crate) fn of(cells: &[(u32, String)]) -> Self {
        let mut header = Self::default();
        for (column, words) in cells.iter().filter(|(_, words)| !words.trim().is_empty()) {
            let (field, word) = field_of(words);
            let kept = if word.is_empty() {
                words.trim().to_owned()
            } else {
                word.to_owned()
            };
            header.columns.insert(*column, (field, kept));
        }
        header.settle(cells);
        header
    }

    /// One column is the name: the one with the surest word. Beside virtual machines a host is what they run on.
    fn settle(&mut self, cells: &[(u32, String)]) {
        let words: BTreeMap<u32, String> = cells
            .iter()
            .map(|(column, words)| (*column, plain(words)))
            .collect();
        let word = |column: u32| words.get(&column).map_or("", String::as_str);
        let surest = WORDS.first().map_or(&[][..], |(_, _, words)| words);
        let rank = |column: u32| {
            surest
                .iter()
                .position(|w| *w == word(column))
                .unwrap_or(usize::MAX)
        };
        let is_name = |(_, (field, _)): &(&u32, &(Field, String))| *field == Field::Name;
        let Some(name) = self
            .columns
            .iter()
            .filter(is_name)
            .map(|(column, _)| *column)
            .min_by_key(|column| rank(*column))
        else {
            return;
        };
        self.is_virtual = matches!(word(name), "vm" | "vmname");
        for (column, (field, _)) in &mut self.columns {
            if *field == Field::Name && *column != name {
                *field = if self.is_virtual && word(*column) == "host" {
                    Field::RunsOn
                } else {
                    Field::OtherName
                };
            }
        }
    }

    /// How many columns we know the meaning of, if one of them says which machine is meant.
    pub(crate) fn known(&self) -> usize {
        let names = |(field, _): &(Field, String)| {
            matches!(
                field,
                Field::Name | Field::Alias | Field::Address | Field::Mac
            )
        };
        if !self.columns.values().any(names) {
            return 0;
        }
        self.columns
            .values()
            .filter(|(field, word)| {
                *field != Field::More || matches!(word.as_str(), "site" | "function")
            })
            .count()
    }

    /// The header of the column that `field` says something in, for a message.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.columns
            .values()
            .filter(|(field, _)| *field == Field::Secret)
            .map(|(_, word)| word.as_str())
    }
}

fn field_of(words: &str) -> (Field, &'static str) {
    /// Synonym → what it means, and the word it is kept under.
    static MEANING: LazyLock<HashMap<&str, (Field, &str)>> = LazyLock::new(|| {
        let all = WORDS
            .iter()
            .flat_map(|(field, word, synonyms)| synonyms.iter().map(|s| (*s, (*field, *word))));
        all.collect()
    });
    match MEANING.get(plain(words).as_str()) {
        Some(known) => *known,
        None if says_secret(words) => (Field::Secret, ""),
        None => (Field::More, ""),
    }
}

/// True if a text speaks of a password: then nobody can say that it holds none.
pub(crate) fn says_secret(text: &str) -> bool {
    const SIGNS: &[&str] = &[
        "password",
        "passwd",
        "passwort",
        "passphrase",
        "pwd",
        "secret",
        "apikey",
        "api key",
        "api_key",
        "token",
        "mot de passe",
        "mdp",
        "пароль",
        "pw:",
        "pw=",
        "pass:",
        "pass=",
        "-----begin",
    ];
    let text = text.to_lowercase();
    SIGNS.iter().any(|sign| text.contains(sign))
}

/// The same for a sentence or a person's name: of "secret" and "token" whole words only, for a secretary keeps none.
pub(crate) fn speaks_of_secret(text: &str) -> bool {
    const WORDS: [&str; 2] = ["secret", "token"];
    let lower = text.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    // Names of settings grow at their front, or with the key they hold.
    let is_one = |word: &str| {
        let one = word.strip_suffix('s').unwrap_or(word);
        let one = one.strip_suffix("key").unwrap_or(one);
        WORDS.iter().any(|sign| one.ends_with(sign))
    };
    let mut rest = lower.clone();
    for sign in WORDS {
        rest = rest.replace(sign, "");
    }
    words.any(is_one) || says_secret(&rest)
}

/// Lower case, without accents of French, letters and digits only.
fn plain(words: &str) -> String {
    let bare = |c: char| match c {
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'à' | 'â' => 'a',
        'ô' => 'o',
        'î' | 'ï' => 'i',
        'û' | 'ù' => 'u',
        'ç' => 'c',
        'ё' => 'е',
        other => other,
    };
    words
        .chars()
        .take(200)
        .flat_map(char::to_lowercase)
        .map(bare)
        .filter(|c| c.is_alphanumeric())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(words: &[&str]) -> Vec<Field> {
        let cells: Vec<(u32, String)> = (0..).zip(words.iter().map(|w| (*w).to_owned())).collect();
        Header::of(&cells)
            .columns
            .into_values()
            .map(|(field, _)| field)
            .collect()
    }

    #[test]
    fn one_word_means_one_thing() {
        let mut all: Vec<&str> = WORDS
            .iter()
            .flat_map(|(_, _, words)| words.iter().copied())
            .collect();
        all.sort_unstable();
        let twice: Vec<_> = all.windows(2).filter(|w| w.first() == w.last()).collect();
        assert!(twice.is_empty(), "{twice:?}");
        assert!(
            all.iter().all(|w| plain(w) == *w),
            "synonyms are written the way headers are compared"
        );
    }

    #[test]
    fn a_secretary_is_no_secret() {
        for text in [
            "Secretary of the board",
            "Anna, Secretariat",
            "secretaries",
            "Tokenring group",
        ] {
            assert!(!speaks_of_secret(text), "{text}");
        }
        for text in [
            "the secret is x",
            "token: x",
            "Tokens",
            "client_secret=x",
            "ClientSecret x",
            "secretkey x",
            "password x",
            "Secretary, password x",
        ] {
            assert!(speaks_of_secret(text), "{text}");
        }
    }

    #[test]
    fn three_languages_name_the_same_columns() {
        let expected = [
            Field::Name,
            Field::Address,
            Field::Owner,
            Field::OperatingSystem,
        ];
        assert_eq!(
            header(&["Host Name", "IP address", "Owner", "OS"]),
            expected
        );
        assert_eq!(
            header(&[
                "Nom d'hôte",
                "Adresse IP",
                "Propriétaire",
                "Système d'exploitation"
            ]),
            expected
        );
        assert_eq!(
            header(&[
                "Имя сервера",
                "IP-адрес",
                "Владелец",
                "Операционная система"
            ]),
            expected
        );
    }

    #[test]
    fn beside_virtual_machines_a_host_is_what_they_run_on() {
        assert_eq!(
            header(&["VM", "Host", "DNS Name"]),
            [Field::Name, Field::RunsOn, Field::Alias]
        );
        assert_eq!(header(&["Host", "DNS Name"]), [Field::Name, Field::Alias]);
        assert_eq!(
            header(&["Asset", "System", "Hostname"]),
            [Field::OtherName, Field::OtherName, Field::Name]
        );
    }

    #[test]
    fn a_column_of_passwords_is_known_as_such() {
        assert_eq!(
            header(&["name", "root password", "MDP", "monkey"]),
            [Field::Name, Field::Secret, Field::Secret, Field::More]
        );
    }
}

#!/usr/bin/env node
// leest hosts uit LDAP en zet ze in de CMDB
const { readFileSync } = require("fs");
const ini = Object.fromEntries(readFileSync("/etc/inventaris.conf", "utf8").split("\n").filter((l) => l && !l.startsWith("#")).map((l) => l.split("=")));
const ldap = require("ldapjs").createClient({ url: `ldap://${ini.LDAP}:${ini.LDAP_POORT || 389}` });
const mysql = require("mysql2").createConnection({ host: ini.CMDB_DB, user: "cmdb", password: ini.CMDB_PW });
ldap.bind("cn=lees,dc=molen,dc=example", ini.LDAP_PW, () => mysql.end());
// const oud = "cmdb-oud";

-- Who is enrolled, by which tokens, and what is asked of them. Records are JSON documents that programs of one version write and later
-- ones read; what is looked for stands in columns. No secret and no private key is kept here.

-- A token serves a site but is found before anybody knows which: all stand under the site '*'.
CREATE TABLE token (
    site_id TEXT NOT NULL,
    digest  TEXT NOT NULL,
    json    TEXT NOT NULL,
    PRIMARY KEY (site_id, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE agent (
    site_id TEXT NOT NULL,
    agent   TEXT NOT NULL,
    json    TEXT NOT NULL,
    PRIMARY KEY (site_id, agent)
) STRICT, WITHOUT ROWID;

-- What is asked of the agents of a site (agent ''), or of one of them.
CREATE TABLE policy (
    site_id TEXT NOT NULL,
    agent   TEXT NOT NULL,
    json    TEXT NOT NULL,
    PRIMARY KEY (site_id, agent)
) STRICT, WITHOUT ROWID;

-- Who may send how many packets a second, until when (milliseconds since 1970). All under the site '*': the cap is the estate's.
CREATE TABLE lease (
    site_id TEXT    NOT NULL,
    agent   TEXT    NOT NULL,
    packets INTEGER NOT NULL,
    ends    INTEGER NOT NULL,
    PRIMARY KEY (site_id, agent)
) STRICT, WITHOUT ROWID;

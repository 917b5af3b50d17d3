-- The first shape of the store. site_id leads every key, so that sites can live on different servers.
-- Rows of evidence are only ever added; moments are milliseconds since 1970, UTC.

-- Who made this file, for the error text of an older program that opens it.
CREATE TABLE made_by (
    site_id TEXT NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (site_id, version)
) STRICT, WITHOUT ROWID;

-- The content of a fact, once, however many vantages see it. hash: the first 16 bytes of SHA-256 over json.
CREATE TABLE fact (
    site_id TEXT NOT NULL,
    hash    BLOB NOT NULL,
    json    TEXT NOT NULL,
    PRIMARY KEY (site_id, hash)
) STRICT, WITHOUT ROWID;

-- What looks said about how much they saw, once per different saying.
CREATE TABLE report (
    site_id TEXT NOT NULL,
    hash    BLOB NOT NULL,
    json    TEXT NOT NULL,
    PRIMARY KEY (site_id, hash)
) STRICT, WITHOUT ROWID;

-- Every way of looking from every vantage that ever reported.
CREATE TABLE stream (
    site_id TEXT NOT NULL,
    vantage TEXT NOT NULL,
    source  TEXT NOT NULL,
    PRIMARY KEY (site_id, vantage, source)
) STRICT, WITHOUT ROWID;

-- One source's part of one batch. id grows with every ingest over all sites: it is the watermark.
CREATE TABLE look (
    site_id  TEXT    NOT NULL,
    id       INTEGER NOT NULL,
    vantage  TEXT    NOT NULL,
    epoch    INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    source   TEXT    NOT NULL,
    started  INTEGER NOT NULL,
    ended    INTEGER NOT NULL,
    report   BLOB    NOT NULL,
    PRIMARY KEY (site_id, id),
    FOREIGN KEY (site_id, vantage, source) REFERENCES stream,
    FOREIGN KEY (site_id, report) REFERENCES report
) STRICT, WITHOUT ROWID;
-- Exactly once: a batch that comes twice meets its own row here.
CREATE UNIQUE INDEX look_once ON look (site_id, vantage, epoch, sequence, source);
CREATE INDEX look_newest ON look (site_id, vantage, source, ended, id);

-- What became of a fact at a place. A look that sees what the look before it saw adds nothing here.
-- word: seen opens the interval (or tells news of it), removed and not-seen close it.
-- last: the fact's own last moment, or NULL while it is simply true at every look.
CREATE TABLE event (
    site_id TEXT    NOT NULL,
    vantage TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    fact    BLOB    NOT NULL,
    scope   TEXT    NOT NULL,
    look    INTEGER NOT NULL,
    word    TEXT    NOT NULL CHECK (word IN ('seen', 'removed', 'not-seen')),
    at      INTEGER NOT NULL,
    first   INTEGER NOT NULL,
    last    INTEGER,
    count   INTEGER NOT NULL,
    PRIMARY KEY (site_id, vantage, source, fact, scope, look, word),
    FOREIGN KEY (site_id, fact) REFERENCES fact,
    FOREIGN KEY (site_id, look) REFERENCES look
) STRICT, WITHOUT ROWID;

-- Numbers that move: what is measured, and its values look by look.
CREATE TABLE series (
    site_id TEXT    NOT NULL,
    id      INTEGER NOT NULL,
    vantage TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    scope   TEXT    NOT NULL,
    metric  TEXT    NOT NULL,
    subject BLOB    NOT NULL,
    PRIMARY KEY (site_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX series_once ON series (site_id, vantage, source, scope, metric, subject);
CREATE TABLE measurement (
    site_id TEXT    NOT NULL,
    series  INTEGER NOT NULL,
    look    INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    value   REAL    NOT NULL,
    PRIMARY KEY (site_id, series, at, look),
    FOREIGN KEY (site_id, series) REFERENCES series,
    FOREIGN KEY (site_id, look) REFERENCES look
) STRICT, WITHOUT ROWID;

-- The identity ledger. The row with the highest number counts; what it replaced stays readable.
CREATE TABLE identity (
    site_id TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    value   TEXT    NOT NULL,
    number  INTEGER NOT NULL,
    entity  TEXT    NOT NULL,
    PRIMARY KEY (site_id, kind, value, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE merge (
    site_id  TEXT    NOT NULL,
    entity   TEXT    NOT NULL,
    number   INTEGER NOT NULL,
    survivor TEXT    NOT NULL,
    why      TEXT    NOT NULL,
    PRIMARY KEY (site_id, entity, number)
) STRICT, WITHOUT ROWID;

-- What concerns all sites together stands under the site '*'.
CREATE TABLE snapshot (
    site_id   TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    valid_at  INTEGER NOT NULL,
    watermark INTEGER NOT NULL,
    taken_at  INTEGER NOT NULL,
    PRIMARY KEY (site_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE annotation (
    site_id TEXT    NOT NULL,
    number  INTEGER NOT NULL,
    about   TEXT    NOT NULL,
    said_by TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    word    TEXT    NOT NULL,
    PRIMARY KEY (site_id, number)
) STRICT, WITHOUT ROWID;

-- The agent that this very installation is, and where its sequence stands.
CREATE TABLE local_agent (
    site_id  TEXT    NOT NULL,
    agent    TEXT    NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (site_id)
) STRICT, WITHOUT ROWID;

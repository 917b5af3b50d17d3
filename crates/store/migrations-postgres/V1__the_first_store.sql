-- The first shape of the store on a server, with the same tables as the embedded one. site_id leads every key.
-- Rows of evidence are only ever added; moments are milliseconds since 1970, UTC.
--
-- What somebody else named is BYTEA: it is compared byte by byte whatever the collation of the database, and may
-- hold a NUL. In psql, SET bytea_output = 'escape' makes it readable.
--
-- A key may hold some 2700 bytes. Of a text longer than 600 bytes the key has the first 600 and the hash of all, and
-- the column of the same name ending in _whole has the text; for all others that column is NULL.

-- Who made this store. The comment is the mark by which a store is known.
CREATE TABLE made_by (
    site_id BYTEA NOT NULL,
    version TEXT  NOT NULL,
    PRIMARY KEY (site_id, version)
);
COMMENT ON TABLE made_by IS 'groma store';

-- The content of a fact, once, however many vantages see it. hash: the first 16 bytes of SHA-256 over json.
CREATE TABLE fact (
    site_id BYTEA NOT NULL,
    hash    BYTEA NOT NULL,
    json    TEXT  NOT NULL,
    PRIMARY KEY (site_id, hash)
);

-- What looks said about how much they saw, once per different saying.
CREATE TABLE report (
    site_id BYTEA NOT NULL,
    hash    BYTEA NOT NULL,
    json    TEXT  NOT NULL,
    PRIMARY KEY (site_id, hash)
);

-- Every way of looking from every vantage that ever reported.
CREATE TABLE stream (
    site_id BYTEA NOT NULL,
    vantage BYTEA NOT NULL,
    source  BYTEA NOT NULL,
    PRIMARY KEY (site_id, vantage, source)
);

-- One source's part of one batch. id grows with every ingest over all sites: it is the watermark.
CREATE TABLE look (
    site_id  BYTEA  NOT NULL,
    id       BIGINT NOT NULL,
    vantage  BYTEA  NOT NULL,
    epoch    BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    source   BYTEA  NOT NULL,
    started  BIGINT NOT NULL,
    ended    BIGINT NOT NULL,
    report   BYTEA  NOT NULL,
    PRIMARY KEY (site_id, id),
    FOREIGN KEY (site_id, vantage, source) REFERENCES stream,
    FOREIGN KEY (site_id, report) REFERENCES report
);
-- Exactly once: a batch that comes twice meets its own row here.
CREATE UNIQUE INDEX look_once ON look (site_id, vantage, epoch, sequence, source);
CREATE INDEX look_newest ON look (site_id, vantage, source, ended, id);

-- What became of a fact at a place. A look that sees what the look before it saw adds nothing here.
-- word: seen opens the interval (or tells news of it), removed and not-seen close it.
-- last: the fact's own last moment, or NULL while it is simply true at every look.
-- hours: 21 bytes, one bit for each hour of the week (UTC, from Monday) in which the fact was seen; like bytes
-- and the two lengths, NULL where nobody counted.
CREATE TABLE event (
    site_id     BYTEA  NOT NULL,
    vantage     BYTEA  NOT NULL,
    source      BYTEA  NOT NULL,
    fact        BYTEA  NOT NULL,
    scope       BYTEA  NOT NULL,
    scope_whole BYTEA,
    look        BIGINT NOT NULL,
    word        TEXT COLLATE "C" NOT NULL CHECK (word IN ('seen', 'removed', 'not-seen')),
    at          BIGINT NOT NULL,
    first       BIGINT NOT NULL,
    last        BIGINT,
    count       BIGINT NOT NULL,
    hours       BYTEA,
    bytes       BIGINT,
    shortest_ms BIGINT,
    longest_ms  BIGINT,
    PRIMARY KEY (site_id, vantage, source, fact, scope, look, word),
    FOREIGN KEY (site_id, fact) REFERENCES fact,
    FOREIGN KEY (site_id, look) REFERENCES look
);

-- Numbers that move: what is measured, and its values look by look.
CREATE TABLE series (
    site_id       BYTEA  NOT NULL,
    id            BIGINT NOT NULL,
    vantage       BYTEA  NOT NULL,
    source        BYTEA  NOT NULL,
    scope         BYTEA  NOT NULL,
    scope_whole   BYTEA,
    metric        BYTEA  NOT NULL,
    metric_whole  BYTEA,
    subject       BYTEA  NOT NULL,
    subject_whole BYTEA,
    PRIMARY KEY (site_id, id)
);
CREATE UNIQUE INDEX series_once ON series (site_id, vantage, source, scope, metric, subject);
CREATE TABLE measurement (
    site_id BYTEA            NOT NULL,
    series  BIGINT           NOT NULL,
    look    BIGINT           NOT NULL,
    at      BIGINT           NOT NULL,
    value   DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (site_id, series, at, look),
    FOREIGN KEY (site_id, series) REFERENCES series,
    FOREIGN KEY (site_id, look) REFERENCES look
);

-- The identity ledger. The row with the highest number counts; what it replaced stays readable.
CREATE TABLE identity (
    site_id     BYTEA  NOT NULL,
    kind        BYTEA  NOT NULL,
    value       BYTEA  NOT NULL,
    value_whole BYTEA,
    number      BIGINT NOT NULL,
    entity      BYTEA  NOT NULL,
    PRIMARY KEY (site_id, kind, value, number)
);
CREATE TABLE merge (
    site_id  BYTEA  NOT NULL,
    entity   BYTEA  NOT NULL,
    number   BIGINT NOT NULL,
    survivor BYTEA  NOT NULL,
    why      BYTEA  NOT NULL,
    PRIMARY KEY (site_id, entity, number)
);

-- What concerns all sites together stands under the site '*'.
CREATE TABLE snapshot (
    site_id   BYTEA  NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    valid_at  BIGINT NOT NULL,
    watermark BIGINT NOT NULL,
    taken_at  BIGINT NOT NULL,
    PRIMARY KEY (site_id, name)
);
CREATE TABLE annotation (
    site_id BYTEA  NOT NULL,
    number  BIGINT NOT NULL,
    about   BYTEA  NOT NULL,
    said_by BYTEA  NOT NULL,
    at      BIGINT NOT NULL,
    word    TEXT   NOT NULL,
    PRIMARY KEY (site_id, number)
);

-- The agent that this very installation is, and where its sequence stands.
CREATE TABLE local_agent (
    site_id  BYTEA  NOT NULL,
    agent    BYTEA  NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (site_id)
);

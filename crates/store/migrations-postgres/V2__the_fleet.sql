-- Who is enrolled, by which tokens, and what is asked of them: the same tables as in the embedded engine.

CREATE TABLE token (
    site_id TEXT COLLATE "C" NOT NULL,
    digest  TEXT COLLATE "C" NOT NULL,
    json    TEXT NOT NULL,
    PRIMARY KEY (site_id, digest)
);

CREATE TABLE agent (
    site_id TEXT COLLATE "C" NOT NULL,
    agent   TEXT COLLATE "C" NOT NULL,
    json    TEXT NOT NULL,
    PRIMARY KEY (site_id, agent)
);

CREATE TABLE policy (
    site_id TEXT COLLATE "C" NOT NULL,
    agent   TEXT COLLATE "C" NOT NULL,
    json    TEXT NOT NULL,
    PRIMARY KEY (site_id, agent)
);

CREATE TABLE lease (
    site_id TEXT COLLATE "C" NOT NULL,
    agent   TEXT COLLATE "C" NOT NULL,
    packets BIGINT NOT NULL,
    ends    BIGINT NOT NULL,
    PRIMARY KEY (site_id, agent)
);

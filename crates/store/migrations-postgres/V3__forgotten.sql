-- What was ever erased, and by whom; never what it was called. All under the site '*'.
-- watermark: the newest look there was, whose number is not given again. swept: 1 once the tables hold nothing of it any more.
CREATE TABLE forgotten (
    site_id   BYTEA  NOT NULL,
    number    BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    said_by   BYTEA  NOT NULL,
    kind      TEXT   NOT NULL,
    traces    TEXT   NOT NULL,
    watermark BIGINT NOT NULL,
    swept     BIGINT NOT NULL,
    PRIMARY KEY (site_id, number)
);

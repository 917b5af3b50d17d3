-- What somebody who watches connections knows besides their times; NULL where nobody counted.
-- hours: 21 bytes, one bit for each hour of the week (UTC, from Monday) in which the fact was seen.
ALTER TABLE event ADD COLUMN hours BLOB;
ALTER TABLE event ADD COLUMN bytes INTEGER;
ALTER TABLE event ADD COLUMN shortest_ms INTEGER;
ALTER TABLE event ADD COLUMN longest_ms INTEGER;

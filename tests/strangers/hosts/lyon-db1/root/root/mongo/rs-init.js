// mongosh < rs-init.js  -- a rejouer en cas de reconstruction
var base = "172.16.20";
rs.reconfig({
  _id: "rs0",
  members: [
    { _id: 0, host: "lyon-db1.groupe.example:27017", priority: 0.5 },
    { _id: 1, host: base + ".61:27017" },
    { _id: 2, host: base + ".62:27018" }
    // { _id: 3, host: "arbitre1.groupe.example:27019", arbiterOnly: true }
  ]
}, { force: true });

const cluster = "nats-";
module.exports = {
  apps: [
    {
      name: "realtime",
      script: "./server.js",
      instances: 2,
      env: {
        NODE_ENV: "development",
        MONGO_URL: "mongodb://mongo-dev.molen.example/rt",
      },
      env_production: {
        NODE_ENV: "production",
        MONGO_URL: "mongodb://rt:RtMongo1@mongo1:27017,mongo2:27017,192.168.10.193:27018/rt?replicaSet=rs1",
        NATS: [1, 2].map((i) => `nats://${cluster}${i}:4222`).join(","),
        MQTT_BROKER: "mqtts://192.168.30.60:8883",
        // STATSD: "graphite-oud:8125",
      },
    },
  ],
};

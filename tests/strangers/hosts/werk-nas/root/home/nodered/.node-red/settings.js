/**
 * This is the default settings file provided by Node-RED.
 * For more information about individual settings, refer to the documentation:
 *    https://nodered.org/docs/user-guide/runtime/settings-file
 **/
module.exports = {
    flowFile: 'flows.json',
    credentialSecret: "Hobel-Bank-19",
    uiPort: process.env.PORT || 1880,
    //uiHost: "127.0.0.1",
    // httpProxy: "http://proxy.example.com:8080",
    contextStorage: {
        default: { module: "memory" },
        keep: { module: require("node-red-context-redis"), config: { host: "10.60.0.14", port: 6379, password: "Leimtopf7" } }
    },
    editorTheme: { projects: { enabled: false }, header: { url: "https://nodered.tischlerei-span.example" } },
    functionGlobalContext: { erp: "http://erp.tischlerei-span.example:8090/rest" }
}

pid_file = "/run/vault-agent.pid"
vault {
  address = "https://kluis:8200"
  retry { num_retries = 5 }
}
auto_auth {
  method "approle" {
    config = { role_id_file_path = "/etc/vault-agent/role" secret_id_file_path = "/etc/vault-agent/secret" }
  }
  sink "file" { config = { path = "/run/vault-token" } }
}

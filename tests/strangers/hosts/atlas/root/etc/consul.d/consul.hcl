# Full configuration options can be found at https://www.consul.io/docs/agent/config
datacenter = "molen"
data_dir = "/opt/consul"
client_addr = "127.0.0.1"
server = false
bind_addr = "192.168.10.12"
encrypt = "RmFrZUNvbnN1bEtleU1vbGVuMDAwMDAwMDAwMDAwMDA="
retry_join = ["consul1", "192.168.10.207:8311"]
# retry_join = ["consul.domain.internal", "10.0.4.67"]
recursors = ["192.168.10.208"]

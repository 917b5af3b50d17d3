## GitLab configuration settings
##! This file is generated during initial installation and **is not** modified
##! during upgrades.
##! Check out the latest version of this file to know about the different
##! settings that can be configured, when they were introduced and why:
##! https://gitlab.com/gitlab-org/omnibus-gitlab/blame/master/files/gitlab-config-template/gitlab.rb.template

## GitLab URL
##! URL on which GitLab will be reachable.
external_url 'https://git.groupe.example'

## Roles for multi-instance GitLab
# roles ['redis_sentinel_role', 'redis_master_role']

################################################################################
## gitlab.yml configuration
################################################################################
# gitlab_rails['gitlab_ssh_host'] = 'ssh.host_example.com'
gitlab_rails['time_zone'] = 'Paris'

### Email Settings
gitlab_rails['gitlab_email_enabled'] = true
gitlab_rails['gitlab_email_from'] = 'git@groupe.example'

### Reply by email
gitlab_rails['incoming_email_enabled'] = true
gitlab_rails['incoming_email_address'] = "git+%{key}@groupe.example"
gitlab_rails['incoming_email_email'] = "git"
gitlab_rails['incoming_email_password'] = "Rep0nse-Git"
gitlab_rails['incoming_email_host'] = "imap.groupe.example"
gitlab_rails['incoming_email_port'] = 993

### LDAP Settings
gitlab_rails['ldap_enabled'] = true
gitlab_rails['ldap_servers'] = YAML.load <<-'EOS'
  main: # 'main' is the GitLab 'provider ID' of this LDAP server
    label: 'LDAP'
    host: 'paris-ipa1.groupe.example'
    port: 636
    uid: 'uid'
    bind_dn: 'uid=gitlab,cn=sysaccounts,cn=etc,dc=groupe,dc=example'
    password: 'Bind-Renard-5'
    encryption: 'simple_tls' # "start_tls" or "simple_tls" or "plain"
    base: 'cn=users,cn=accounts,dc=groupe,dc=example'
#  secondary: # 'secondary' is the GitLab 'provider ID' of second LDAP server
#    host: 'ldap2.autrefois.example'
EOS

### OmniAuth Settings
gitlab_rails['omniauth_providers'] = [
  {
    name: "openid_connect",
    args: {
      issuer: "https://sso.groupe.example/realms/groupe",
      client_options: { identifier: "gitlab", secret: "0idc-Secret-Renard" }
    }
  }
]

### GitLab email server settings
gitlab_rails['smtp_enable'] = true
gitlab_rails['smtp_address'] = "smtp.groupe.example"
gitlab_rails['smtp_port'] = 587
gitlab_rails['smtp_user_name'] = "gitlab"
gitlab_rails['smtp_password'] = "Smtp-Renard-6"
gitlab_rails['smtp_domain'] = "groupe.example"

### Backup Settings
gitlab_rails['backup_upload_connection'] = {
  'provider' => 'AWS',
  'endpoint' => 'http://paris-s3.groupe.example:9000',
  'aws_access_key_id' => 'GLFAKEKEY',
  'aws_secret_access_key' => 'GLFAKESECRETrenard'
}

### GitLab database settings
postgresql['enable'] = false
gitlab_rails['db_adapter'] = "postgresql"
gitlab_rails['db_host'] = "paris-db6.groupe.example"
gitlab_rails['db_port'] = 5432
gitlab_rails['db_password'] = "Db-Renard-7"

### GitLab Redis settings
redis['enable'] = false
gitlab_rails['redis_host'] = "172.16.20.75"
gitlab_rails['redis_port'] = 6379

### Gitaly
# gitaly['enable'] = true
git_data_dirs({
  "default" => { "gitaly_address" => "tcp://paris-gitaly1.groupe.example:8075" },
})

### Registry
registry_external_url 'https://registre.groupe.example'
#gitlab_rails['env'] = { 'http_proxy' => 'http://vieuxproxy.groupe.example:3128' }

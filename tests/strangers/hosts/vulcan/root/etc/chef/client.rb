# chef-client, alleen nog voor de kassa's
log_level        :info
log_location     STDOUT
chef_host = 'chef1'
chef_server_url  "https://#{chef_host}.molen.example/organizations/molen"
validation_client_name 'molen-validator'
node_name 'vulcan'
#http_proxy 'http://squid-chef:3128'

require "active_support/core_ext/integer/time"

Rails.application.configure do
  # Settings specified here will take precedence over those in config/application.rb.

  # Code is not reloaded between requests.
  config.cache_classes = true
  config.eager_load = true
  config.consider_all_requests_local       = false

  # Enable serving of images, stylesheets, and JavaScripts from an asset server.
  # config.asset_host = 'http://assets.klanten-voorbeeld.example'

  config.cache_store = :mem_cache_store, "memc2", { namespace: "klanten" }
  config.active_storage.service = :local
  config.action_mailer.delivery_method = :smtp
  config.action_mailer.smtp_settings = {
    address:              'mailhub.molen.example',
    port:                 587,
    domain:               'molen.example',
    user_name:            'klanten',
    password:             'RailsPost-4',
    authentication:       'plain',
    enable_starttls_auto: true
  }
  config.action_mailer.default_url_options = { host: "klanten.molen.example" }
  config.log_level = :info
end

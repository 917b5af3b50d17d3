# frozen_string_literal: true
require "net/sftp"
require "yaml"

BRONNEN = YAML.load_file(File.expand_path("../../config/bronnen.yml", __dir__))
namespace :nacht do
  task haal: :environment do
    BRONNEN["filialen"].each do |naam, gegevens|
      Net::SFTP.start("#{naam}.#{BRONNEN['domein']}", "rapport", port: gegevens["poort"]) { |s| s.download!("/uit/dag.csv", "/tmp/#{naam}.csv") }
    end
    Net::HTTP.post(URI("http://#{BRONNEN['melder']}/klaar"), "ok")
    # Net::FTP.open("ftp-rapport-oud")
  end
end

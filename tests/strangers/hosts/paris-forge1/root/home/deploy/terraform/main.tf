terraform {
  backend "http" {
    address = "https://paris-tfstate1.groupe.example/etat/prod"
  }
}
variable "vcenter" {
  default = "paris-vcenter1.groupe.example"
}
provider "vsphere" {
  user                 = "tf@vsphere.local"
  password             = "Vsph3re-Fake!"
  vsphere_server       = var.vcenter
  allow_unverified_ssl = true
}
# provider "proxmox" { pm_api_url = "https://pve-labo.groupe.example:8006/api2/json" }

<#
.SYNOPSIS
    Exporteert AD-gebruikers naar de toegangscontrole
.EXAMPLE
    ./ad-export.ps1 -Server dc-voorbeeld.molen.example
#>
param(
    [string]$Server = 'ares.molen.example',
    [string]$ConfigPad = '/opt/beheer/ps/ad-export.psd1'
)
$cfg = Import-PowerShellDataFile $ConfigPad
$wachtwoord = ConvertTo-SecureString 'PwshSmid#1' -AsPlainText -Force
$cred = [pscredential]::new('MOLEN\export', $wachtwoord)

$ldap = [System.DirectoryServices.Protocols.LdapConnection]::new("${Server}:389")
$ldap.Credential = $cred
$regels = @()

foreach ($deur in $cfg.Deurcontrollers) {
    $uri = "http://${deur}:8091/api/personen"
    Invoke-RestMethod -Method Put -Uri $uri -Body ($regels | ConvertTo-Json)
}
$conn = New-Object System.Data.SqlClient.SqlConnection
$conn.ConnectionString = "Server={0};Database=Toegang;User Id=toegang;Password=Deur-Slot-2" -f $cfg.SqlServer
$conn.Open()
# Copy-Item /tmp/export.csv \\fs-oud\export$
Send-MailMessage -SmtpServer $cfg.Mail.Host -Port $cfg.Mail.Port -From 'ad@molen.example' -To 'beheer@molen.example' -Subject 'AD-export'

<#
.SYNOPSIS
  Stuecklistenimport
.LINK
  https://wiki.tischlerei-span.example/stueckliste
.EXAMPLE
  ./Stueckliste.ps1 -Server test-sql.tischlerei-span.example
#>
param([string]$Server = 'erp-sql2.tischlerei-span.example', [int]$Port = 1433)
$pfad = '\\fs2.tischlerei-span.example\cad\export'
$mail = @{ SmtpServer = 'mail.tischlerei-span.example'; Port = 25; From = 'erp@tischlerei-span.example' }
$liste = Invoke-Sqlcmd -ServerInstance "$Server,$Port" -Database erp -Query 'select 1'
Copy-Item "$pfad\*.csv" /srv/import
$basis = "https://lieferant-portal.example"
Invoke-RestMethod -Uri "$basis/api/preise" -Proxy 'http://10.60.0.8:8080' | Out-File /srv/import/preise.json
Send-MailMessage @mail -To 'av@tischlerei-span.example' -Subject 'Stuecklisten'
$tcp = New-Object System.Net.Sockets.TcpClient('10.60.2.70', 7100)

<#
.SYNOPSIS
Puts groma-agent on this machine, enrols it, and starts it; run again it changes nothing. For a startup script of a group policy,
or a shell of an administrator. Windows PowerShell 5.1 or newer.

.DESCRIPTION
The MSI is copied to a folder that administrators alone may write to, its SHA-256 is compared, and only that copy is installed. The
token is read by groma-agent itself, from a file; this script never reads it. What it did is a line in the log "Application" and in a transcript.

.PARAMETER Msi
Where the MSI lies, as \\server\share\groma-agent_0.1.0_x64.msi.
.PARAMETER Sha256
What its SHA-256 must be. Write it into the policy; a file beside the MSI would be changed with it.
.PARAMETER Collector
Where the collector is, as https://groma.corp.example:8470.
.PARAMETER TokenFile
A file with a token of `groma token create`, readable by the machines that are to be let in (Domain Computers or fewer) and nobody else.
.PARAMETER Uninstall
Take the agent off: service and program.
.PARAMETER Purge
With -Uninstall: remove its identity and its spool as well.

.EXAMPLE
groma-deploy.ps1 -Msi \\fs1\groma$\groma-agent_0.1.0_x64.msi -Sha256 0123… -Collector https://groma.corp.example:8470 -TokenFile \\fs1\groma$\token
.EXAMPLE
groma-deploy.ps1 -Uninstall -Purge
#>
[CmdletBinding(DefaultParameterSetName = 'Install')]
param(
    [Parameter(Mandatory, ParameterSetName = 'Install')][string] $Msi,
    [Parameter(Mandatory, ParameterSetName = 'Install')][ValidatePattern('^[0-9A-Fa-f]{64}$')][string] $Sha256,
    [Parameter(Mandatory, ParameterSetName = 'Install')][ValidatePattern('^https://')][string] $Collector,
    [Parameter(Mandatory, ParameterSetName = 'Install')][string] $TokenFile,
    [Parameter(Mandatory, ParameterSetName = 'Uninstall')][switch] $Uninstall,
    [Parameter(ParameterSetName = 'Uninstall')][switch] $Purge
)
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'

$service = 'groma-agent'
$upgradeCode = '{7C1B4B6E-52E4-4C1F-9B6A-0B6E1B6C3A51}'
$program = Join-Path $env:ProgramFiles 'groma\groma-agent.exe'
# Below Program Files, where administrators alone may make something, unlike the folder Temp of Windows and ProgramData.
$work = Join-Path $env:ProgramFiles 'groma-deploy'
$state = Join-Path $env:ProgramData 'groma-agent'
$stamp = 'HKLM:\SOFTWARE\groma\agent'

# One line where administrators look; the source is made by the first one.
function Write-Said([string] $Text, [string] $Kind = 'Information') {
    Write-Output $Text
    try {
        if (-not [Diagnostics.EventLog]::SourceExists('groma-deploy')) { New-EventLog -LogName Application -Source 'groma-deploy' }
        Write-EventLog -LogName Application -Source 'groma-deploy' -EventId 1 -EntryType $Kind -Message $Text
    } catch { Write-Output "the event log does not take it: $($_.Exception.Message)" }
}

# A fresh folder for administrators alone.
function New-Work {
    if (Test-Path -LiteralPath $work) { Remove-Item -LiteralPath $work -Recurse -Force }
    $rights = New-Object Security.AccessControl.DirectorySecurity
    $rights.SetSecurityDescriptorSddlForm('O:BAG:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)')
    New-Item -ItemType Directory -Path $work | Out-Null
    Set-Acl -LiteralPath $work -AclObject $rights
}

# The product codes that belong to us.
function Get-Installed {
    $installer = New-Object -ComObject WindowsInstaller.Installer
    @($installer.RelatedProducts($upgradeCode))
}

# 0 is done, 3010 is done and wants a restart, 1605 is not there.
function Invoke-Installer([string[]] $Arguments, [int[]] $Good) {
    $log = Join-Path $work 'msiexec.log'
    $ended = Start-Process -FilePath (Join-Path $env:SystemRoot 'System32\msiexec.exe') -Wait -PassThru `
        -ArgumentList ($Arguments + @('/qn', '/norestart', '/l*', "`"$log`""))
    if ($Good -notcontains $ended.ExitCode) { throw "msiexec ended with $($ended.ExitCode); $log says why" }
}

# What it says is shown, and an exit code other than 0 ends this script. No argument is ever a secret.
function Invoke-Agent([string[]] $Arguments) {
    $before = $ErrorActionPreference
    # A line on standard error is no exception.
    $ErrorActionPreference = 'Continue'
    try { & $program @Arguments 2>&1 | ForEach-Object { Write-Output "$_" } } finally { $ErrorActionPreference = $before }
    if ($LASTEXITCODE -ne 0) { throw "groma-agent $($Arguments[0]) ended with $LASTEXITCODE" }
}

function Get-Stamp {
    $key = Get-ItemProperty -Path $stamp -ErrorAction SilentlyContinue
    if ($key -and $key.PSObject.Properties['MsiSha256']) { $key.MsiSha256 } else { '' }
}

function Install-Agent {
    $done = @()
    if ((Get-Stamp) -ne $Sha256 -or -not (Test-Path -LiteralPath $program)) {
        $copy = Join-Path $work 'groma-agent.msi'
        Copy-Item -LiteralPath $Msi -Destination $copy
        $is = (Get-FileHash -LiteralPath $copy -Algorithm SHA256).Hash
        if ($is -ne $Sha256) { throw "$Msi has the SHA-256 $is and not the one it must have; nothing was installed" }
        Invoke-Installer @('/i', "`"$copy`"") @(0, 3010)
        New-Item -Path $stamp -Force | Out-Null
        Set-ItemProperty -Path $stamp -Name MsiSha256 -Value $Sha256
        $done += 'installed'
    }
    if (-not (Test-Path -LiteralPath (Join-Path $state 'identity.json'))) {
        Invoke-Agent @('enroll', '--collector', $Collector, '--token-file', $TokenFile)
        $done += 'enrolled'
    }
    # An MSI sets the start on demand: what it left out is set now, and again after each upgrade.
    $start = (Get-ItemProperty -Path "HKLM:\SYSTEM\CurrentControlSet\Services\$service" -ErrorAction SilentlyContinue)
    if ($done.Count -gt 0 -or -not $start -or $start.Start -ne 2) {
        Invoke-Agent @('service', 'install')
        $done += 'service set'
    }
    if ((Get-Service -Name $service).Status -ne 'Running') {
        Start-Service -Name $service
        $done += 'started'
    }
    if ($done.Count -eq 0) { Write-Output 'unchanged' } else { Write-Said "groma-agent: $($done -join ', ')" }
}

function Uninstall-Agent {
    $done = @()
    if (Test-Path -LiteralPath $program) {
        $arguments = @('service', 'uninstall')
        if ($Purge) { $arguments += '--purge' }
        Invoke-Agent $arguments
        $done += 'service taken out'
    }
    foreach ($product in Get-Installed) {
        Invoke-Installer @('/x', $product) @(0, 3010, 1605)
        $done += 'removed'
    }
    if (Test-Path -LiteralPath $stamp) { Remove-Item -LiteralPath $stamp -Recurse -Force }
    if ($done.Count -eq 0) { Write-Output 'unchanged' } else { Write-Said "groma-agent: $($done -join ', ')" }
}

$code = 0
$transcript = $false
try {
    if (-not ([Security.Principal.WindowsPrincipal][Security.Principal.WindowsIdentity]::GetCurrent()).IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
        throw 'run this as administrator, or as a startup script of the machine'
    }
    New-Work
    Start-Transcript -Path (Join-Path $work 'transcript.txt') -Force | Out-Null
    $transcript = $true
    if ($Uninstall) { Uninstall-Agent } else { Install-Agent }
} catch {
    Write-Said "groma-agent: $($_.Exception.Message)" 'Error'
    $code = 1
} finally {
    if ($transcript) { Stop-Transcript | Out-Null }
    # Whoever took the agent off leaves nothing behind but the lines in the event log.
    if ($Uninstall -and $code -eq 0 -and (Test-Path -LiteralPath $work)) { Remove-Item -LiteralPath $work -Recurse -Force }
}
exit $code

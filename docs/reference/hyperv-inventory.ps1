<#
.SYNOPSIS
    Writes down which machines a Hyper-V host carries, for `groma import`.
.DESCRIPTION
    Reads with cmdlets whose names begin with Get, and changes nothing. Run it on each host, as a member of Hyper-V
    Administrators (or Administrators), in Windows PowerShell 5.1 or PowerShell 7. What cannot be read is written into the file as
    a problem, and the rest goes on. Notes people wrote at machines are not read.
    Windows Server 2012 R2 and later.
.EXAMPLE
    .\hyperv-inventory.ps1
    groma import hyperv-HV1.json
#>
[CmdletBinding()]
param(
    # The file that is written.
    [string] $Path = "hyperv-$env:COMPUTERNAME.json"
)

Set-StrictMode -Off
$ErrorActionPreference = 'Stop'
$problems = New-Object System.Collections.ArrayList

# What a block finds, or nothing and a problem.
function Read-Part([string] $What, [scriptblock] $Block) {
    try { & $Block }
    catch { [void] $problems.Add("${What}: $($_.Exception.Message)") }
}

# Words instead of numbers, and moments every program reads alike.
function Word($Value) { if ($null -ne $Value) { "$Value" } else { $null } }
function Moment($Value) { if ($null -ne $Value) { ([datetime] $Value).ToUniversalTime().ToString('o') } else { $null } }

$virtual = 'root\virtualization\v2'

# The UUID of the firmware: what the machine itself calls its own. VMId is another one.
$firmwareIds = @{}
Read-Part 'Msvm_VirtualSystemSettingData' {
    Get-CimInstance -Namespace $virtual -ClassName Msvm_VirtualSystemSettingData -Filter "VirtualSystemType='Microsoft:Hyper-V:System:Realized'" |
        ForEach-Object { $firmwareIds[$_.VirtualSystemIdentifier.ToUpper()] = $_.BIOSGUID }
}

# What machines tell from inside.
$inside = @{}
Read-Part 'Msvm_KvpExchangeComponent' {
    Get-CimInstance -Namespace $virtual -ClassName Msvm_KvpExchangeComponent | ForEach-Object {
        $told = @{}
        foreach ($item in $_.GuestIntrinsicExchangeItems) {
            $xml = [xml] $item
            $name = $xml.SelectSingleNode("/INSTANCE/PROPERTY[@NAME='Name']/VALUE/text()")
            $data = $xml.SelectSingleNode("/INSTANCE/PROPERTY[@NAME='Data']/VALUE/text()")
            if ($name -and $data) { $told[$name.Value] = $data.Value }
        }
        $inside[$_.SystemName.ToUpper()] = [ordered] @{
            FullyQualifiedDomainName = $told['FullyQualifiedDomainName']
            OSName                   = $told['OSName']
            OSVersion                = $told['OSVersion']
        }
    }
}

function Read-Disk($Drive) {
    $disk = [ordered] @{
        ControllerType                = Word $Drive.ControllerType
        ControllerNumber              = $Drive.ControllerNumber
        ControllerLocation            = $Drive.ControllerLocation
        Path                          = $Drive.Path
        DiskNumber                    = $Drive.DiskNumber
        SupportPersistentReservations = $Drive.SupportPersistentReservations
    }
    if ($Drive.Path -and $null -eq $Drive.DiskNumber) {
        Read-Part "Get-VHD $($Drive.Path)" {
            $vhd = Get-VHD -Path $Drive.Path
            $disk.VhdFormat = Word $vhd.VhdFormat
            $disk.VhdType = Word $vhd.VhdType
            $disk.FileSize = $vhd.FileSize
            $disk.Size = $vhd.Size
            $disk.ParentPath = $vhd.ParentPath
        }
    }
    $disk
}

function Read-Adapter($Adapter) {
    $vlan = Read-Part "Get-VMNetworkAdapterVlan $($Adapter.VMName)" { Get-VMNetworkAdapterVlan -VMNetworkAdapter $Adapter }
    [ordered] @{
        Name              = $Adapter.Name
        MacAddress        = $Adapter.MacAddress
        SwitchName        = $Adapter.SwitchName
        IPAddresses       = @($Adapter.IPAddresses)
        IsLegacy          = $Adapter.IsLegacy
        IovWeight         = $Adapter.IovWeight
        VlanMode          = Word $vlan.OperationMode
        AccessVlanId      = $vlan.AccessVlanId
        AllowedVlanIdList = $vlan.AllowedVlanIdListString
        PrimaryVlanId     = $vlan.PrimaryVlanId
    }
}

function Read-Machine($Machine) {
    $id = $Machine.VMId.ToString().ToUpper()
    $name = $Machine.Name
    $told = [ordered] @{
        Name                       = $name
        VMId                       = $id
        BiosGuid                   = $firmwareIds[$id]
        State                      = Word $Machine.State
        Generation                 = $Machine.Generation
        Version                    = $Machine.Version
        ProcessorCount             = $Machine.ProcessorCount
        MemoryStartup              = $Machine.MemoryStartup
        MemoryMaximum              = $Machine.MemoryMaximum
        DynamicMemoryEnabled       = $Machine.DynamicMemoryEnabled
        AutomaticStartAction       = Word $Machine.AutomaticStartAction
        IsClustered                = $Machine.IsClustered
        ParentCheckpointId         = Word $Machine.ParentCheckpointId
        IntegrationServicesVersion = Word $Machine.IntegrationServicesVersion
        IntegrationServicesState   = Word $Machine.IntegrationServicesState
        Inside                     = $inside[$id]
    }
    $told.Disks = @(Read-Part "disks of $name" { Get-VMHardDiskDrive -VM $Machine | ForEach-Object { Read-Disk $_ } })
    $told.Dvds = @(Read-Part "drives of $name" { Get-VMDvdDrive -VM $Machine | ForEach-Object { [ordered] @{ Path = $_.Path } } })
    $told.Floppies = @(Read-Part "floppy of $name" { if ($Machine.Generation -eq 1) { Get-VMFloppyDiskDrive -VM $Machine | ForEach-Object { [ordered] @{ Path = $_.Path } } } })
    $told.Adapters = @(Read-Part "adapters of $name" { Get-VMNetworkAdapter -VM $Machine | ForEach-Object { Read-Adapter $_ } })
    $told.Snapshots = @(Read-Part "checkpoints of $name" {
        Get-VMSnapshot -VM $Machine | ForEach-Object {
            [ordered] @{ Name = $_.Name; Id = Word $_.Id; CreationTime = Moment $_.CreationTime; State = Word $_.State }
        }
    })
    $told.Services = @(Read-Part "integration services of $name" {
        Get-VMIntegrationService -VM $Machine | ForEach-Object {
            [ordered] @{ Id = Word $_.Id; Name = $_.Name; Enabled = $_.Enabled; PrimaryOperationalStatus = Word $_.PrimaryOperationalStatus }
        }
    })
    if ($Machine.Generation -eq 2) {
        $told.Firmware = Read-Part "firmware of $name" { [ordered] @{ SecureBoot = Word (Get-VMFirmware -VM $Machine).SecureBoot } }
    }
    # Windows Server 2016 and later.
    if (Get-Command Get-VMSecurity -ErrorAction SilentlyContinue) {
        $told.Security = Read-Part "security of $name" {
            $security = Get-VMSecurity -VM $Machine
            [ordered] @{ TpmEnabled = $security.TpmEnabled; Shielded = $security.Shielded }
        }
    }
    if (Get-Command Get-VMAssignableDevice -ErrorAction SilentlyContinue) {
        $told.Devices = @(Read-Part "devices of $name" {
            Get-VMAssignableDevice -VM $Machine | ForEach-Object { [ordered] @{ InstanceID = $_.InstanceID; LocationPath = $_.LocationPath } }
        })
    }
    if (Get-Command Get-VMGpuPartitionAdapter -ErrorAction SilentlyContinue) {
        $told.Gpus = @(Read-Part "graphics of $name" {
            Get-VMGpuPartitionAdapter -VM $Machine | ForEach-Object { [ordered] @{ Id = $_.Id; InstancePath = $_.InstancePath } }
        })
    }
    $told
}

function Read-ThisHost {
    $told = [ordered] @{ Name = $env:COMPUTERNAME }
    Read-Part 'Get-VMHost' {
        $hyperv = Get-VMHost
        $told.Fqdn = $hyperv.FullyQualifiedDomainName
        $told.LogicalProcessorCount = $hyperv.LogicalProcessorCount
        $told.MemoryCapacity = $hyperv.MemoryCapacity
    }
    Read-Part 'Win32_ComputerSystemProduct' { $told.Uuid = (Get-CimInstance Win32_ComputerSystemProduct).UUID }
    Read-Part 'Win32_ComputerSystem' {
        $system = Get-CimInstance Win32_ComputerSystem
        $told.Manufacturer = $system.Manufacturer
        $told.Model = $system.Model
    }
    Read-Part 'Win32_OperatingSystem' {
        $os = Get-CimInstance Win32_OperatingSystem
        $told.Product = "$($os.Caption) $($os.Version)"
    }
    Read-Part 'Win32_Processor' {
        $processors = @(Get-CimInstance Win32_Processor)
        $told.Processor = $processors[0].Name
        $told.Sockets = $processors.Count
        $told.Cores = ($processors | Measure-Object -Property NumberOfCores -Sum).Sum
    }
    Read-Part 'Get-NetIPAddress' { $told.Addresses = @(Get-NetIPAddress | ForEach-Object { $_.IPAddress }) }
    Read-Part 'Get-DnsClientServerAddress' { $told.DnsServers = @(Get-DnsClientServerAddress | ForEach-Object { $_.ServerAddresses } | Select-Object -Unique) }
    Read-Part 'W32Time' {
        $time = Get-ItemProperty 'HKLM:\SYSTEM\CurrentControlSet\Services\W32Time\Parameters'
        if ($time.Type -eq 'NTP' -or $time.Type -eq 'AllSync') {
            $told.NtpServers = @($time.NtpServer -split '\s+' | Where-Object { $_ } | ForEach-Object { ($_ -split ',')[0] })
        }
    }
    Read-Part 'Get-NetAdapter' {
        $told.Nics = @(Get-NetAdapter -Physical | ForEach-Object {
            [ordered] @{ InterfaceDescription = $_.InterfaceDescription; MacAddress = $_.MacAddress; Speed = $_.Speed; DriverName = $_.DriverFileName }
        })
    }
    $told
}

$inventory = [ordered] @{ schema = 'groma.hyperv/1' }
$inventory.Host = Read-ThisHost
if (Get-Command Get-Cluster -ErrorAction SilentlyContinue) {
    $inventory.Cluster = Read-Part 'Get-Cluster' {
        # A host without a cluster has no such service.
        if (Get-Service ClusSvc -ErrorAction SilentlyContinue | Where-Object { "$($_.Status)" -eq 'Running' }) {
            [ordered] @{ Name = (Get-Cluster).Name }
        }
    }
}
$inventory.Switches = @(Read-Part 'Get-VMSwitch' {
    Get-VMSwitch | ForEach-Object {
        $uplinks = if ($_.NetAdapterInterfaceDescriptions) { $_.NetAdapterInterfaceDescriptions } else { $_.NetAdapterInterfaceDescription }
        [ordered] @{ Name = $_.Name; SwitchType = Word $_.SwitchType; Uplinks = @($uplinks | Where-Object { $_ }) }
    }
})
$inventory.Machines = @(Read-Part 'Get-VM' { Get-VM | ForEach-Object { Read-Machine $_ } })
$inventory.Problems = @($problems)

$text = $inventory | ConvertTo-Json -Depth 6 -Compress
[System.IO.File]::WriteAllText(([System.IO.Path]::Combine((Get-Location).ProviderPath, $Path)), $text, (New-Object System.Text.UTF8Encoding $false))
Write-Output "$Path written: $(@($inventory.Machines).Count) machines, $($problems.Count) problems. Next: groma import $Path"

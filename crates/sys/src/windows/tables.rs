//! Tables of the system: processes, sockets, adapters, drives, shares. What is bytes stays bytes.

use std::io;
use std::net::IpAddr;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_BUFFER_OVERFLOW, ERROR_INSUFFICIENT_BUFFER, ERROR_MORE_DATA, HANDLE,
    INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    FreeMibTable, GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_MULTICAST, GetAdaptersAddresses,
    GetExtendedTcpTable, GetExtendedUdpTable, GetIpForwardTable2, GetIpNetTable2,
    IP_ADAPTER_ADDRESSES_LH, MIB_IPFORWARD_ROW2, MIB_IPFORWARD_TABLE2, MIB_IPNET_ROW2,
    MIB_IPNET_TABLE2, TCP_TABLE_OWNER_MODULE_ALL, UDP_TABLE_OWNER_MODULE,
};
use windows_sys::Win32::NetworkManagement::NetManagement::NERR_Success;
use windows_sys::Win32::NetworkManagement::WNet::WNetGetConnectionW;
use windows_sys::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, AF_UNSPEC, SOCKADDR, SOCKADDR_IN, SOCKADDR_IN6,
};
use windows_sys::Win32::Storage::FileSystem::{
    GetDriveTypeW, GetLogicalDrives, GetVolumeInformationW, GetVolumeNameForVolumeMountPointW,
    NetSessionEnum, NetShareEnum, SESSION_INFO_10, SHARE_INFO_502,
};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows_sys::Win32::System::Services::{
    CloseServiceHandle, ENUM_SERVICE_STATUS_PROCESSW, EnumServicesStatusExW, OpenSCManagerW,
    SC_ENUM_PROCESS_INFO, SC_MANAGER_ENUMERATE_SERVICE, SERVICE_ACTIVE, SERVICE_WIN32,
};
use windows_sys::Win32::System::SystemInformation::{
    ComputerNamePhysicalDnsHostname, GetComputerNameExW, GetNativeSystemInfo,
    GetSystemFirmwareTable, GetTickCount64, GlobalMemoryStatusEx, MEMORYSTATUSEX,
    PROCESSOR_ARCHITECTURE_AMD64, PROCESSOR_ARCHITECTURE_ARM64, SYSTEM_INFO,
};
use windows_sys::Win32::System::Threading::{
    ALL_PROCESSOR_GROUPS, GetActiveProcessorCount, GetProcessTimes, OpenProcess,
    PROCESS_QUERY_LIMITED_INFORMATION, QueryFullProcessImageNameW,
};

use super::disk::seconds;
use super::owner::{descriptor_text, rights_of};
use super::people::{Lent, sid_of_process};
use super::{size_of_u32, text_at, wide};

/// Processes, shares, sessions and services that are told.
const ROWS_MAX: usize = 65_536;
/// Bytes of one table.
const TABLE_BYTES_MAX: u32 = 64 << 20;

/// A process.
#[derive(Clone, Debug, Default)]
pub struct RawProcess {
    /// Its id.
    pub id: u32,
    /// File name of its program.
    pub name: String,
    /// Full path of its program.
    pub executable: Option<String>,
    /// SID of its account.
    pub user: Option<String>,
    /// Its command line.
    pub command: Option<String>,
    /// When it began, in seconds since 1970.
    pub began: Option<i64>,
}

/// The processes that run.
///
/// # Errors
/// What the system says.
pub fn processes() -> io::Result<Vec<RawProcess>> {
    // SAFETY: numbers alone.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) };
    if snapshot == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    let snapshot = Held(snapshot);
    let mut row = PROCESSENTRY32W {
        dwSize: size_of_u32::<PROCESSENTRY32W>(),
        ..PROCESSENTRY32W::default()
    };
    let mut all = Vec::new();
    // SAFETY: the row says its own size, and is written to as a whole.
    let mut more = unsafe { Process32FirstW(snapshot.0, &raw mut row) };
    while more != 0 && all.len() < ROWS_MAX {
        // SAFETY: the name ends with a zero within its field.
        let name = unsafe { text_at(row.szExeFile.as_ptr()) };
        all.push(process(row.th32ProcessID, name));
        // SAFETY: as above.
        more = unsafe { Process32NextW(snapshot.0, &raw mut row) };
    }
    Ok(all)
}

fn process(id: u32, name: String) -> RawProcess {
    let opened = opened(id);
    let of = |ask: fn(HANDLE) -> Option<String>| opened.as_ref().and_then(|held| ask(held.0));
    RawProcess {
        id,
        name,
        executable: of(image),
        user: of(sid_of_process),
        command: of(super::command_line::of_process),
        began: opened.as_ref().and_then(|held| began(held.0)),
    }
}

fn opened(id: u32) -> Option<Held> {
    if id == 0 {
        return None;
    }
    // SAFETY: numbers alone.
    let handle = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, id) };
    (!handle.is_null()).then_some(Held(handle))
}

/// The full path of the program of a process.
pub fn program_of(process: u32) -> Option<String> {
    image(opened(process)?.0)
}

fn image(process: HANDLE) -> Option<String> {
    let mut name = vec![0_u16; 32_768];
    let mut length = 32_767;
    // SAFETY: the room is longer than is said.
    let answer =
        unsafe { QueryFullProcessImageNameW(process, 0, name.as_mut_ptr(), &raw mut length) };
    let length = usize::try_from(length).unwrap_or(0);
    (answer != 0).then(|| String::from_utf16_lossy(name.get(..length).unwrap_or_default()))
}

fn began(process: HANDLE) -> Option<i64> {
    let mut times = [windows_sys::Win32::Foundation::FILETIME::default(); 4];
    let [created, ended, kernel, user] = &mut times;
    // SAFETY: each time is written to where one is.
    let answer = unsafe {
        GetProcessTimes(
            process,
            &raw mut *created,
            &raw mut *ended,
            &raw mut *kernel,
            &raw mut *user,
        )
    };
    let whole = (u64::from(created.dwHighDateTime) << 32) | u64::from(created.dwLowDateTime);
    (answer != 0).then(|| seconds(whole))
}

/// Services that run, with the process of each.
///
/// # Errors
/// What the system says.
pub fn running_services() -> io::Result<Vec<(u32, String)>> {
    // SAFETY: no names are passed.
    let manager = unsafe { OpenSCManagerW(null(), null(), SC_MANAGER_ENUMERATE_SERVICE) };
    if manager.is_null() {
        return Err(io::Error::last_os_error());
    }
    let mut room = vec![0_u64; 32 << 10];
    let mut found = Vec::new();
    let mut resume = 0;
    loop {
        let (mut needed, mut many) = (0, 0);
        let size = u32::try_from(room.len() * 8).unwrap_or(0);
        // SAFETY: the room is as large as is said and aligned for the rows; the call writes so many of them, whose texts point
        // into the same room and end with a zero.
        let (is_all, error) = unsafe {
            let answer = EnumServicesStatusExW(
                manager,
                SC_ENUM_PROCESS_INFO,
                SERVICE_WIN32,
                SERVICE_ACTIVE,
                room.as_mut_ptr().cast(),
                size,
                &raw mut needed,
                &raw mut many,
                &raw mut resume,
                null(),
            );
            let error = io::Error::last_os_error();
            let rows = room.as_ptr().cast::<ENUM_SERVICE_STATUS_PROCESSW>();
            let rows = std::slice::from_raw_parts(rows, usize::try_from(many).unwrap_or(0));
            for row in rows {
                let process = row.ServiceStatusProcess.dwProcessId;
                found.push((process, text_at(row.lpServiceName)));
            }
            (answer != 0, error)
        };
        let is_more = error.raw_os_error().map(i32::cast_unsigned) == Some(ERROR_MORE_DATA);
        if is_all || !is_more || many == 0 || found.len() > ROWS_MAX {
            // SAFETY: it is ours.
            unsafe { CloseServiceHandle(manager) };
            return match is_all || is_more {
                true => Ok(found),
                false => Err(error),
            };
        }
    }
}

/// A table of sockets as bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SocketTable {
    /// MIB_TCPTABLE_OWNER_MODULE.
    Tcp4,
    /// MIB_TCP6TABLE_OWNER_MODULE.
    Tcp6,
    /// MIB_UDPTABLE_OWNER_MODULE.
    Udp4,
    /// MIB_UDP6TABLE_OWNER_MODULE.
    Udp6,
}

/// The bytes of a table of sockets.
///
/// # Errors
/// What the system says.
pub fn sockets(table: SocketTable) -> io::Result<Vec<u8>> {
    let family = u32::from(match table {
        SocketTable::Tcp4 | SocketTable::Udp4 => AF_INET,
        SocketTable::Tcp6 | SocketTable::Udp6 => AF_INET6,
    });
    filled(|room, size| {
        // SAFETY: the room is as large as the size says.
        unsafe {
            match table {
                SocketTable::Tcp4 | SocketTable::Tcp6 => {
                    GetExtendedTcpTable(room, size, 1, family, TCP_TABLE_OWNER_MODULE_ALL, 0)
                }
                SocketTable::Udp4 | SocketTable::Udp6 => {
                    GetExtendedUdpTable(room, size, 1, family, UDP_TABLE_OWNER_MODULE, 0)
                }
            }
        }
    })
}

/// Asks for a table until there is room for it: it may grow in between.
fn filled(ask: impl Fn(*mut core::ffi::c_void, *mut u32) -> u32) -> io::Result<Vec<u8>> {
    let mut size = 64 << 10;
    for _ in 0..8 {
        let mut room = vec![0_u64; usize::try_from(size).unwrap_or(0).div_ceil(8)];
        let mut given = u32::try_from(room.len() * 8).unwrap_or(0);
        match ask(room.as_mut_ptr().cast(), &raw mut given) {
            0 => {
                let bytes = room.iter().flat_map(|word| word.to_ne_bytes());
                return Ok(bytes.collect());
            }
            ERROR_INSUFFICIENT_BUFFER | ERROR_BUFFER_OVERFLOW if given <= TABLE_BYTES_MAX => {
                size = given.saturating_add(given / 4).max(size);
            }
            code => return Err(io::Error::from_raw_os_error(code.cast_signed())),
        }
    }
    Err(io::ErrorKind::OutOfMemory.into())
}

/// The bytes of MIB_IPFORWARD_TABLE2.
///
/// # Errors
/// What the system says.
pub fn routes() -> io::Result<Vec<u8>> {
    let mut table: *mut MIB_IPFORWARD_TABLE2 = null_mut();
    // SAFETY: the table is written to where a pointer is.
    let answer = unsafe { GetIpForwardTable2(AF_UNSPEC, &raw mut table) };
    // SAFETY: the call has written a count and so many rows.
    unsafe {
        mib_bytes(
            answer,
            table.cast(),
            std::mem::offset_of!(MIB_IPFORWARD_TABLE2, Table),
            size_of::<MIB_IPFORWARD_ROW2>(),
        )
    }
}

/// The bytes of MIB_IPNET_TABLE2.
///
/// # Errors
/// What the system says.
pub fn neighbours() -> io::Result<Vec<u8>> {
    let mut table: *mut MIB_IPNET_TABLE2 = null_mut();
    // SAFETY: the table is written to where a pointer is.
    let answer = unsafe { GetIpNetTable2(AF_UNSPEC, &raw mut table) };
    // SAFETY: the call has written a count and so many rows.
    unsafe {
        mib_bytes(
            answer,
            table.cast(),
            std::mem::offset_of!(MIB_IPNET_TABLE2, Table),
            size_of::<MIB_IPNET_ROW2>(),
        )
    }
}

/// Copies a table that begins with its count, and gives it back.
///
/// # Safety
/// If `answer` is 0, `table` leads to a count and, `begin` bytes behind its start, so many rows of `row` bytes.
unsafe fn mib_bytes(answer: u32, table: *mut u8, begin: usize, row: usize) -> io::Result<Vec<u8>> {
    if answer != 0 || table.is_null() {
        return Err(io::Error::from_raw_os_error(answer.cast_signed()));
    }
    // SAFETY: as the caller promises.
    let bytes = unsafe {
        let many = usize::try_from(table.cast::<u32>().read_unaligned()).unwrap_or(0);
        let length = many.min(ROWS_MAX).saturating_mul(row).saturating_add(begin);
        let bytes = std::slice::from_raw_parts(table, length).to_vec();
        FreeMibTable(table.cast());
        bytes
    };
    Ok(bytes)
}

/// A network adapter.
#[derive(Clone, Debug, Default)]
pub struct RawAdapter {
    /// As a person calls it.
    pub name: String,
    /// What its driver calls it.
    pub description: String,
    /// `{GUID}`.
    pub guid: String,
    /// Its number.
    pub index: u32,
    /// Its number for IPv6.
    pub index_v6: u32,
    /// ifType of IANA.
    pub kind: u32,
    /// IfOperStatus: 1 is up.
    pub status: i32,
    /// Its hardware address.
    pub mac: Vec<u8>,
    /// Its addresses: address, length of the prefix, origin of the suffix (IpSuffixOrigin: 5 is random), state (IpDadState: 4 is
    /// preferred).
    pub addresses: Vec<(IpAddr, u8, i32, i32)>,
    /// Name servers.
    pub name_servers: Vec<IpAddr>,
    /// Suffix of names.
    pub suffix: String,
}

/// The network adapters.
///
/// # Errors
/// What the system says.
pub fn adapters() -> io::Result<Vec<RawAdapter>> {
    let mut size = 64 << 10;
    let flags = GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST;
    for _ in 0..8 {
        let mut room = vec![0_u64; usize::try_from(size).unwrap_or(0).div_ceil(8)];
        let first = room.as_mut_ptr().cast::<IP_ADAPTER_ADDRESSES_LH>();
        // SAFETY: the room is as large as is said and aligned for the rows, which point into the same room.
        match unsafe {
            GetAdaptersAddresses(u32::from(AF_UNSPEC), flags, null(), first, &raw mut size)
        } {
            // SAFETY: the list is the one the call has just written, in a room that still stands.
            0 => return Ok(unsafe { adapters_from(first) }),
            ERROR_BUFFER_OVERFLOW if size <= TABLE_BYTES_MAX => size = size.saturating_mul(2),
            232 => return Ok(Vec::new()),
            code => return Err(io::Error::from_raw_os_error(code.cast_signed())),
        }
    }
    Err(io::ErrorKind::OutOfMemory.into())
}

/// # Safety
/// `first` is the head of a list that GetAdaptersAddresses has written, or null.
unsafe fn adapters_from(first: *const IP_ADAPTER_ADDRESSES_LH) -> Vec<RawAdapter> {
    let mut all = Vec::new();
    let mut next = first;
    // SAFETY: every pointer of the list leads into the same room, and each list ends with null; texts end with a zero.
    unsafe {
        while let Some(row) = next.as_ref()
            && all.len() < 4096
        {
            let mut adapter = RawAdapter {
                name: text_at(row.FriendlyName),
                description: text_at(row.Description),
                guid: narrow(row.AdapterName),
                index: row.Anonymous1.Anonymous.IfIndex,
                index_v6: row.Ipv6IfIndex,
                kind: row.IfType,
                status: row.OperStatus,
                suffix: text_at(row.DnsSuffix),
                ..RawAdapter::default()
            };
            let length = usize::try_from(row.PhysicalAddressLength).unwrap_or(0);
            let mac = row.PhysicalAddress.get(..length).unwrap_or_default();
            adapter.mac = mac.to_vec();
            let mut unicast = row.FirstUnicastAddress;
            while let Some(one) = unicast.as_ref() {
                if let Some(address) = address(one.Address.lpSockaddr) {
                    let more = (one.OnLinkPrefixLength, one.SuffixOrigin, one.DadState);
                    adapter.addresses.push((address, more.0, more.1, more.2));
                }
                unicast = one.Next;
            }
            let mut server = row.FirstDnsServerAddress;
            while let Some(one) = server.as_ref() {
                adapter.name_servers.extend(address(one.Address.lpSockaddr));
                server = one.Next;
            }
            all.push(adapter);
            next = row.Next;
        }
    }
    all
}

/// # Safety
/// `at` is null or leads to an address as large as its family needs.
unsafe fn address(at: *const SOCKADDR) -> Option<IpAddr> {
    // SAFETY: as the caller promises.
    unsafe {
        match at.as_ref()?.sa_family {
            AF_INET => {
                let at = at.cast::<SOCKADDR_IN>().read_unaligned();
                Some(IpAddr::from(at.sin_addr.S_un.S_addr.to_ne_bytes()))
            }
            AF_INET6 => {
                let at = at.cast::<SOCKADDR_IN6>().read_unaligned();
                Some(IpAddr::from(at.sin6_addr.u.Byte))
            }
            _ => None,
        }
    }
}

/// # Safety
/// `text` is null or ends with a zero.
unsafe fn narrow(text: *const u8) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as the caller promises.
    let text = unsafe { std::ffi::CStr::from_ptr(text.cast()) };
    text.to_string_lossy().into_owned()
}

/// A drive.
#[derive(Clone, Debug, Default)]
pub struct RawVolume {
    /// `C:\`.
    pub mount_point: String,
    /// What is mounted.
    pub device: String,
    /// As GetDriveTypeW says: 2 removable, 3 fixed, 4 remote, 5 optical, 6 memory.
    pub kind: u32,
    /// `NTFS`.
    pub file_system: String,
    /// All bytes, and free ones.
    pub space: Option<(u64, u64)>,
}

/// The drives. Of a remote one only its name is told: nothing of it is touched.
pub fn volumes() -> Vec<RawVolume> {
    // SAFETY: nothing is passed.
    let letters = unsafe { GetLogicalDrives() };
    let drives = ('A'..='Z')
        .zip(0..)
        .filter(|(_, bit)| letters & (1 << bit) != 0);
    drives.map(|(letter, _)| volume(letter)).collect()
}

fn volume(letter: char) -> RawVolume {
    let mount_point = format!(r"{letter}:\");
    let root = wide(&mount_point);
    // SAFETY: the text ends with a zero.
    let kind = unsafe { GetDriveTypeW(root.as_ptr()) };
    let mut volume = RawVolume {
        mount_point,
        kind,
        ..RawVolume::default()
    };
    match kind {
        4 => volume.device = remote_name(letter).unwrap_or_default(),
        // A disc that is not there would be asked for.
        3 | 6 => {
            volume.device = volume_name(&root).unwrap_or_default();
            volume.file_system = file_system(&root).unwrap_or_default();
            volume.space = super::space_at(std::path::Path::new(&volume.mount_point)).ok();
        }
        _ => volume.device = volume_name(&root).unwrap_or_default(),
    }
    volume
}

fn volume_name(root: &[u16]) -> Option<String> {
    let mut name = [0_u16; 64];
    // SAFETY: the root ends with a zero; the room is longer than is said.
    let answer = unsafe { GetVolumeNameForVolumeMountPointW(root.as_ptr(), name.as_mut_ptr(), 63) };
    // SAFETY: a zero ends the room.
    (answer != 0).then(|| unsafe { text_at(name.as_ptr()) })
}

fn file_system(root: &[u16]) -> Option<String> {
    let mut name = [0_u16; 64];
    // SAFETY: the root ends with a zero; only the name of the file system is asked for, in a room longer than is said.
    let answer = unsafe {
        GetVolumeInformationW(
            root.as_ptr(),
            null_mut(),
            0,
            null_mut(),
            null_mut(),
            null_mut(),
            name.as_mut_ptr(),
            63,
        )
    };
    // SAFETY: a zero ends the room.
    (answer != 0).then(|| unsafe { text_at(name.as_ptr()) })
}

fn remote_name(letter: char) -> Option<String> {
    let local = wide(&format!("{letter}:"));
    let mut name = [0_u16; 1025];
    let mut length = 1024;
    // SAFETY: the name ends with a zero; the room is longer than is said. The system remembers it, and asks nobody.
    let answer = unsafe { WNetGetConnectionW(local.as_ptr(), name.as_mut_ptr(), &raw mut length) };
    // SAFETY: a zero ends the room.
    (answer == 0).then(|| unsafe { text_at(name.as_ptr()) })
}

/// A share.
#[derive(Clone, Debug, Default)]
pub struct RawShare {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub path: String,
    /// STYPE bits.
    pub kind: u32,
    /// What somebody wrote about it.
    pub remark: String,
    /// Rights on the share, as SDDL.
    pub rights: Option<String>,
    /// Rights on its folder, as SDDL.
    pub folder_rights: Option<String>,
}

/// The shares.
///
/// # Errors
/// What the system says.
pub fn shares() -> io::Result<Vec<RawShare>> {
    let mut rows: *mut u8 = null_mut();
    let (mut many, mut all) = (0, 0);
    // SAFETY: the rows are written to where a pointer is, and handed back below.
    let answer = unsafe {
        NetShareEnum(
            null(),
            502,
            &raw mut rows,
            u32::MAX,
            &raw mut many,
            &raw mut all,
            null_mut(),
        )
    };
    let lent = Lent(rows);
    if answer != NERR_Success || lent.0.is_null() {
        return Err(io::Error::from_raw_os_error(answer.cast_signed()));
    }
    let many = usize::try_from(many).unwrap_or(0).min(ROWS_MAX);
    // SAFETY: the call has written so many rows, whose pointers lead into the same memory.
    let rows = unsafe { std::slice::from_raw_parts(lent.0.cast::<SHARE_INFO_502>(), many) };
    Ok(rows.iter().map(share).collect())
}

fn share(row: &SHARE_INFO_502) -> RawShare {
    // SAFETY: texts end with a zero; a descriptor that is there is whole.
    unsafe {
        let path = text_at(row.shi502_path);
        let descriptor = row.shi502_security_descriptor;
        RawShare {
            name: text_at(row.shi502_netname),
            kind: row.shi502_type,
            remark: text_at(row.shi502_remark),
            rights: (!descriptor.is_null())
                .then(|| descriptor_text(descriptor))
                .flatten(),
            folder_rights: is_of_a_drive(&path)
                .then(|| rights_of(path.as_ref()))
                .flatten(),
            path,
        }
    }
}

fn is_of_a_drive(path: &str) -> bool {
    let bytes = path.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphabetic) && path.get(1..3) == Some(r":\")
}

/// Who uses shares now: machine, account, seconds idle.
///
/// # Errors
/// What the system says.
pub fn sessions() -> io::Result<Vec<(String, String)>> {
    let mut rows: *mut u8 = null_mut();
    let (mut many, mut all) = (0, 0);
    // SAFETY: the rows are written to where a pointer is, and handed back below.
    let answer = unsafe {
        NetSessionEnum(
            null(),
            null(),
            null(),
            10,
            &raw mut rows,
            u32::MAX,
            &raw mut many,
            &raw mut all,
            null_mut(),
        )
    };
    let lent = Lent(rows);
    if answer != NERR_Success {
        return Err(io::Error::from_raw_os_error(answer.cast_signed()));
    }
    if lent.0.is_null() {
        return Ok(Vec::new());
    }
    let many = usize::try_from(many).unwrap_or(0).min(ROWS_MAX);
    // SAFETY: the call has written so many rows, whose texts end with a zero.
    let rows = unsafe { std::slice::from_raw_parts(lent.0.cast::<SESSION_INFO_10>(), many) };
    let one = |row: &SESSION_INFO_10| unsafe {
        (text_at(row.sesi10_cname), text_at(row.sesi10_username))
    };
    Ok(rows.iter().map(one).collect())
}

/// The SMBIOS structures, as the firmware wrote them.
pub fn smbios() -> Option<Vec<u8>> {
    let provider = u32::from_be_bytes(*b"RSMB");
    let mut room = vec![0_u8; 256 << 10];
    let size = u32::try_from(room.len()).unwrap_or(0);
    // SAFETY: the room is as large as is said.
    let length = unsafe { GetSystemFirmwareTable(provider, 0, room.as_mut_ptr(), size) };
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= room.len())?;
    room.truncate(length);
    // Version and length stand before it (RawSMBIOSData).
    Some(room.get(8..)?.to_vec())
}

/// Host name, architecture, processors, memory and free memory.
pub fn machine() -> (String, &'static str, u32, u64, u64) {
    let mut name = [0_u16; 257];
    let mut length = 256;
    let mut system = SYSTEM_INFO::default();
    let mut memory = MEMORYSTATUSEX {
        dwLength: size_of_u32::<MEMORYSTATUSEX>(),
        ..MEMORYSTATUSEX::default()
    };
    // SAFETY: the room is longer than is said; both structures are written to as a whole.
    let (name, processors, architecture) = unsafe {
        GetComputerNameExW(
            ComputerNamePhysicalDnsHostname,
            name.as_mut_ptr(),
            &raw mut length,
        );
        GetNativeSystemInfo(&raw mut system);
        GlobalMemoryStatusEx(&raw mut memory);
        (
            text_at(name.as_ptr()),
            GetActiveProcessorCount(ALL_PROCESSOR_GROUPS),
            system.Anonymous.Anonymous.wProcessorArchitecture,
        )
    };
    let architecture = match architecture {
        PROCESSOR_ARCHITECTURE_AMD64 => "x86_64",
        PROCESSOR_ARCHITECTURE_ARM64 => "aarch64",
        _ => "x86",
    };
    (
        name,
        architecture,
        processors,
        memory.ullTotalPhys,
        memory.ullAvailPhys,
    )
}

/// Seconds since the machine started. One that slept is as old as it would be awake.
pub fn seconds_up() -> u64 {
    // SAFETY: nothing is passed.
    unsafe { GetTickCount64() / 1000 }
}

/// A handle that is closed.
pub(super) struct Held(pub(super) HANDLE);

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: it is ours, and nobody else's.
        unsafe { CloseHandle(self.0) };
    }
}

//! Devices that are there now.

use std::io;
use std::ptr::null;

use windows_sys::Win32::Devices::DeviceAndDriverInstallation::{
    CM_GETIDLIST_FILTER_PRESENT, CM_Get_Device_ID_List_SizeW, CM_Get_Device_ID_ListW, CR_SUCCESS,
};

/// UTF-16 units of the list.
const UNITS_MAX: u32 = 4 << 20;

/// The instances of devices that are there now, as `USB\VID_0529&PID_0001\5&1`.
///
/// # Errors
/// `Other` with the number the configuration manager says.
pub fn present() -> io::Result<Vec<String>> {
    let refused = |code: u32| io::Error::other(format!("the configuration manager said {code}"));
    let mut length = 0;
    // SAFETY: no filter is passed; the length is written to where a number is.
    let answer = unsafe {
        CM_Get_Device_ID_List_SizeW(&raw mut length, null(), CM_GETIDLIST_FILTER_PRESENT)
    };
    if answer != CR_SUCCESS {
        return Err(refused(answer));
    }
    // It may grow in between.
    let length = length.saturating_add(4096).min(UNITS_MAX);
    let mut room = vec![0_u16; usize::try_from(length).unwrap_or(0)];
    // SAFETY: the room is as long as is said.
    let answer = unsafe {
        CM_Get_Device_ID_ListW(
            null(),
            room.as_mut_ptr(),
            length,
            CM_GETIDLIST_FILTER_PRESENT,
        )
    };
    if answer != CR_SUCCESS {
        return Err(refused(answer));
    }
    let names = room
        .split(|unit| *unit == 0)
        .take_while(|name| !name.is_empty());
    Ok(names.map(String::from_utf16_lossy).collect())
}

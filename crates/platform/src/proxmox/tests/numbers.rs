//! Numbers that move, and numbers that are too large.

use super::*;

#[test]
fn a_size_that_moves_with_what_others_write_is_a_number_and_no_fact() {
    let told = |total: u64| {
        let mut reader = reader();
        let entry = |name, kind| {
            serde_json::json!({"storage": name, "type": kind, "content": "images", "active": 1,
                "total": total, "used": 100, "avail": total - 100})
        };
        let answer = serde_json::json!({"data": [entry("tank", "zfspool"), entry("lun", "lvm")]});
        let question = Question::Node("pve1".to_owned(), NodeQuestion::Storage);
        reader
            .answer(&question, answer.to_string().as_bytes())
            .unwrap();
        reader.finish()
    };
    let capacity = |read: &Read, key: &str| {
        let stores = stores(read);
        let store = stores.iter().find(|store| store.key == key).unwrap();
        store.capacity_bytes
    };
    let of = "datastore_capacity_bytes";
    for total in [5_000, 4_000] {
        let read = told(total);
        assert_eq!(capacity(&read, "storage/pve1/tank"), None);
        assert_eq!(capacity(&read, "storage/pve1/lun"), Some(total));
        let subject = |name| format!("proxmox:prod/storage/pve1/{name}");
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let moving = Some(total as f64);
        assert_eq!(measured(&read, &subject("tank"), of), moving);
        assert_eq!(measured(&read, &subject("lun"), of), None);
    }
}

#[test]
fn what_the_root_of_a_container_takes_is_not_what_its_mount_points_take() {
    let used = |settings: &str| {
        let mut reader = reader();
        let question = Question::Guest(place("lxc/105"), GuestQuestion::Config);
        let answer = format!(r#"{{"data":{{{settings}}}}}"#);
        reader.answer(&question, answer.as_bytes()).unwrap();
        let read = reader.finish();
        measured(&read, "proxmox:prod/lxc/105", "vm_disk_used_bytes")
    };
    let root = r#""rootfs":"local-lvm:vm-105-disk-0,size=8G""#;
    assert_eq!(used(root), Some(2_147_483_648.0));
    let more = format!(r#"{root},"mp0":"local-lvm:vm-105-disk-1,mp=/srv,size=4G""#);
    assert_eq!(used(&more), None);
}

#[test]
fn what_is_left_out_for_its_number_is_told() {
    let told = |count: u32| {
        let mut reader = Reader::new();
        let cluster = serde_json::json!({"type": "cluster", "name": "prod"});
        let node = |number| serde_json::json!({"type": "node", "name": format!("pve{number}")});
        let all: Vec<_> = (0..count).map(node).chain([cluster]).collect();
        let answer = serde_json::json!({"data": all}).to_string();
        let question = Question::Cluster(ClusterQuestion::Status);
        reader.answer(&question, answer.as_bytes()).unwrap();
        reader.finish().untold
    };
    assert_eq!(told(1_000), [""; 0]);
    assert_eq!(told(1_001), ["more than 1000 nodes: the rest is left out"]);
}

#[test]
fn a_week_is_told_by_its_peak_and_by_what_is_usual() {
    let read = read();
    let mail = |metric| measured(&read, "proxmox:prod/qemu/104", metric);
    assert_eq!(mail("vm_cpu_peak_percent"), Some(90.0));
    assert_eq!(mail("vm_cpu_p95_percent"), Some(50.0));
    assert_eq!(mail("vm_memory_peak_bytes"), Some(5.0 * f64::from(1 << 30)));
    assert_eq!(mail("vm_disk_written_bytes_per_day"), Some(86_400_000.0));
    assert_eq!(
        mail("vm_load_period_seconds"),
        Some(100.0 * 1800.0),
        "the row before it lived is none"
    );
    assert_eq!(
        mail("vm_disk_used_bytes"),
        None,
        "nobody tells it of a machine"
    );
}

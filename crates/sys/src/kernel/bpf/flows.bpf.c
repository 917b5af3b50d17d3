/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * What happens to TCP sockets and to processes, told from the kernel's own tracepoints. It reads and tells, and
 * changes nothing: no return value matters to the kernel, no packet passes here, nothing is pinned.
 *
 * Only the members that are read are declared here. The compiler notes each of them by name, and the loader puts in the
 * place where the running kernel keeps it (/sys/kernel/btf/vmlinux); a member that is missing there makes the
 * load fail, and the agent falls back.
 *
 * The records are read by crates/source-socket/src/flow/record.rs. Numbers are the processor's own, unless it says
 * otherwise.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SECTION(name) __attribute__((section(name), used))
#define ALWAYS static __attribute__((always_inline))
/* How a map is described to the loader. */
#define NUMBER(name, value) int(*name)[value]
#define TYPE(name, type) type *name

/* ---- what is read of the kernel's own structures ---- */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	u32 inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	u8 bytes[16];
};

struct sock_common {
	u32 skc_daddr; /* network byte order */
	u16 skc_dport; /* network byte order */
	u16 skc_family;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	u16 sk_protocol;
};

struct tcp_sock {
	u64 bytes_received;
	u64 bytes_sent;
	u64 bytes_retrans;
};

struct inet_sock {
	u32 inet_saddr; /* network byte order */
	u16 inet_sport; /* network byte order */
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	u32 level;
	struct upid numbers[1];
};

struct task_struct {
	int pid;
	struct pid *thread_pid;
};

struct linux_binprm {
	const char *filename;
};

#pragma clang attribute pop

/* The arguments of a tracepoint, one in each place. */
struct arguments {
	u64 all[3];
};

/* ---- what the kernel does for programs (include/uapi/linux/bpf.h) ---- */

static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static u64 (*bpf_ktime_get_ns)(void) = (void *)5;
static u64 (*bpf_get_current_uid_gid)(void) = (void *)15;
static u64 (*bpf_get_current_task)(void) = (void *)35;
static long (*bpf_probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static long (*bpf_probe_read_kernel_str)(void *to, u32 size, const void *from) = (void *)115;
static void *(*bpf_ringbuf_reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*bpf_ringbuf_submit)(void *record, u64 flags) = (void *)132;

/* Nobody is woken: the agent comes by by itself. */
#define NO_WAKEUP 1

#define READ(to, from) bpf_probe_read_kernel(&(to), sizeof(to), &(from))

/* ---- what is told ---- */

/* First in every record. */
struct head {
	u64 at;   /* ns on the monotonic clock */
	u32 kind; /* 1, 2, 3: which record it is */
	u32 task; /* who did it: a thread's number; 0 where it has none in our process namespace */
};

struct changed { /* 1: a TCP socket changed its state */
	struct head head;
	u64 socket;
	u32 network; /* the number of the network namespace it is in */
	u32 user;    /* whose task it was */
	u8 before;
	u8 after;
	u16 family;      /* 2, 10 */
	u16 local_port;  /* network byte order */
	u16 remote_port; /* network byte order */
	u8 local[16];    /* of an IPv4 address the first four */
	u8 remote[16];
	u64 sent;        /* bytes, what was sent again once more */
	u64 sent_again;
	u64 received;    /* bytes, the FIN counts as one */
};

struct forked { /* 2: a task made another one */
	struct head head;
	u32 child;
	u32 unused;
};

#define PATH_BYTES 512

struct executed { /* 3: a task started a program */
	struct head head;
	u32 before; /* the number it had before, where a thread took over its process */
	u32 length; /* of the path with the zero at its end; all of the room if it had to be cut */
	char path[PATH_BYTES];
};

struct {
	NUMBER(type, 27); /* BPF_MAP_TYPE_RINGBUF */
	NUMBER(max_entries, 4 << 20);
} groma_events SECTION(".maps");

/* How many records found no room. */
struct {
	NUMBER(type, 2); /* BPF_MAP_TYPE_ARRAY */
	TYPE(key, u32);
	TYPE(value, u64);
	NUMBER(max_entries, 1);
} groma_lost SECTION(".maps");

/* The process namespace whose numbers are told; 0 for the numbers of the whole machine. Set by the loader. */
const volatile u32 own_process_namespace = 0;

char groma_license[] SECTION("license") = "GPL";

/* ---- how ---- */

#define LEVELS_MAX 8

ALWAYS u32 number_of(struct task_struct *task)
{
	struct pid *pid = 0;
	u32 level = 0;
	int number = 0;

	if (!own_process_namespace) {
		READ(number, task->pid);
		return number;
	}
	READ(pid, task->thread_pid);
	READ(level, pid->level);
	for (u32 at = 0; at < LEVELS_MAX && at <= level; at++) {
		u64 size = __builtin_preserve_type_info(*(struct upid *)0, 1 /* its size */);
		struct upid *upid = (void *)((u64)&pid->numbers + at * size);
		struct pid_namespace *namespace = 0;
		u32 id = 0;

		READ(namespace, upid->ns);
		READ(id, namespace->ns.inum);
		if (id != own_process_namespace)
			continue;
		READ(number, upid->nr);
		return number;
	}
	return 0;
}

ALWAYS void *reserve(u64 size, u32 kind, u32 task)
{
	struct head *head = bpf_ringbuf_reserve(&groma_events, size, 0);
	u32 first = 0;
	u64 *lost;

	if (head) {
		head->at = bpf_ktime_get_ns();
		head->kind = kind;
		head->task = task;
		return head;
	}
	lost = bpf_map_lookup_elem(&groma_lost, &first);
	if (lost)
		__sync_fetch_and_add(lost, 1);
	return 0;
}

/* sock:inet_sock_set_state (sk, oldstate, newstate) */
SECTION("raw_tracepoint/inet_sock_set_state")
int groma_states(struct arguments *arguments)
{
	struct sock *sock = (void *)arguments->all[0];
	u32 after = arguments->all[2];
	struct inet_sock *inet = (void *)sock;
	struct tcp_sock *tcp = (void *)sock;
	struct changed *changed;
	struct net *net = 0;
	u16 protocol = 0;

	READ(protocol, sock->sk_protocol);
	/* TCP that calls (2), takes a call or is answered (1), is over (7), begins to listen (10). */
	if (protocol != 6 || (after != 2 && after != 1 && after != 7 && after != 10))
		return 0;
	changed = reserve(sizeof(*changed), 1, number_of((void *)bpf_get_current_task()));
	if (!changed)
		return 0;
	changed->socket = (u64)sock;
	changed->user = bpf_get_current_uid_gid();
	changed->before = arguments->all[1];
	changed->after = after;
	READ(net, sock->__sk_common.skc_net.net);
	READ(changed->network, net->ns.inum);
	READ(changed->family, sock->__sk_common.skc_family);
	READ(changed->local_port, inet->inet_sport);
	READ(changed->remote_port, sock->__sk_common.skc_dport);
	__builtin_memset(changed->local, 0, sizeof(changed->local));
	__builtin_memset(changed->remote, 0, sizeof(changed->remote));
	if (changed->family == 10) {
		READ(changed->local, sock->__sk_common.skc_v6_rcv_saddr);
		READ(changed->remote, sock->__sk_common.skc_v6_daddr);
	} else {
		bpf_probe_read_kernel(changed->local, 4, &inet->inet_saddr);
		bpf_probe_read_kernel(changed->remote, 4, &sock->__sk_common.skc_daddr);
	}
	READ(changed->sent, tcp->bytes_sent);
	READ(changed->sent_again, tcp->bytes_retrans);
	READ(changed->received, tcp->bytes_received);
	bpf_ringbuf_submit(changed, NO_WAKEUP);
	return 0;
}

/* sched:sched_process_fork (parent, child) */
SECTION("raw_tracepoint/sched_process_fork")
int groma_forks(struct arguments *arguments)
{
	u32 parent = number_of((void *)arguments->all[0]);
	u32 child = number_of((void *)arguments->all[1]);
	struct forked *forked;

	if (!child)
		return 0;
	forked = reserve(sizeof(*forked), 2, parent);
	if (!forked)
		return 0;
	forked->child = child;
	forked->unused = 0;
	bpf_ringbuf_submit(forked, NO_WAKEUP);
	return 0;
}

/* sched:sched_process_exec (p, old_pid, bprm) */
SECTION("raw_tracepoint/sched_process_exec")
int groma_starts(struct arguments *arguments)
{
	struct task_struct *task = (void *)arguments->all[0];
	struct linux_binprm *program = (void *)arguments->all[2];
	u32 number = number_of(task), before = arguments->all[1];
	struct executed *executed;
	const char *path = 0;
	long length;

	if (!number)
		return 0;
	executed = reserve(sizeof(*executed), 3, number);
	if (!executed)
		return 0;
	/* The argument is a number of the whole machine. */
	executed->before = own_process_namespace ? number : before;
	READ(path, program->filename);
	length = bpf_probe_read_kernel_str(executed->path, PATH_BYTES, path);
	executed->length = length < 0 ? 0 : length;
	bpf_ringbuf_submit(executed, NO_WAKEUP);
	return 0;
}

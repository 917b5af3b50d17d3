/* Processes that make trouble for whoever reads the process table. Each listens on a port of its own, so that
 * a look has a reason to read it.  usage: trap PORT KIND [WORD…] */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int listening(int port) {
    int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(s, (void *)&a, sizeof a) || listen(s, 4)) { perror("listen"); exit(1); }
    return s;
}

static void *forever(void *x) { for (;;) pause(); return x; }

/* A page of the stack that lies within a long argument becomes one that nobody ever fills. */
static void argument_on_userfaultfd(char *argument) {
    char *page = (char *)(((unsigned long)argument + 4095) & ~4095UL);
    int u = syscall(SYS_userfaultfd, O_CLOEXEC);
    struct uffdio_api api = {.api = UFFD_API};
    if (u < 0 || ioctl(u, UFFDIO_API, &api)) { perror("userfaultfd"); exit(77); }
    if (mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) { perror("mmap"); exit(77); }
    struct uffdio_register r = {.range = {(unsigned long)page, 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    if (ioctl(u, UFFDIO_REGISTER, &r)) { perror("register"); exit(77); }
}

/* The same page becomes one of a file whose file system does not answer. */
static void argument_on_file(char *argument, const char *path) {
    char *page = (char *)(((unsigned long)argument + 4095) & ~4095UL);
    int f = open(path, O_RDONLY);
    if (f < 0 || mmap(page, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, f, 0) == MAP_FAILED) { perror("mmap"); exit(77); }
}

/* The memory of the process stays locked while a page of a file is written back to a file system that does not answer. */
static void memory_locked(const char *path, const char *until) {
    int f = open(path, O_RDWR);
    char *page = f < 0 ? MAP_FAILED : mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
    if (page == MAP_FAILED) { perror("mmap"); exit(77); }
    page[0] = 'X';
    puts("dirty"); fflush(stdout);
    while (access(until, F_OK)) usleep(10000);
    mmap(page, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

int main(int argc, char **argv) {
    int port = atoi(argv[1]);
    const char *kind = argc > 2 ? strdup(argv[2]) : "";
    int s = listening(port);
    if (!strcmp(kind, "comm")) prctl(PR_SET_NAME, argv[3]);
    if (!strcmp(kind, "blank")) memset(argv[0], 0, strlen(argv[0]));
    if (!strcmp(kind, "rewrite")) { setenv("SECRET", "Xq7canaryREWRITEZw", 1); memset(argv[3], 0x1b, strlen(argv[3])); }
    if (!strcmp(kind, "uffd")) argument_on_userfaultfd(argv[3]);
    if (!strcmp(kind, "file")) argument_on_file(argv[4], strdup(argv[3]));
    if (!strcmp(kind, "locked")) memory_locked(argv[3], argv[4]);
    if (!strcmp(kind, "fds")) { int many = atoi(argv[3]); for (int n = 0; n < many; n++) if (dup(0) < 0) break; }
    if (!strcmp(kind, "churn")) for (;;) { int f = dup(s); close(f); }
    if (!strcmp(kind, "stop")) raise(SIGSTOP);
    if (!strcmp(kind, "leader")) { pthread_t t; pthread_create(&t, 0, forever, 0); pthread_exit(0); }
    if (!strcmp(kind, "zombie")) { if (!fork()) _exit(0); }
    if (!strcmp(kind, "vfork")) { if (!vfork()) { for (;;) pause(); } }
    if (!strcmp(kind, "traced")) { pid_t c = fork(); if (!c) { ptrace(PTRACE_TRACEME, 0, 0, 0); raise(SIGSTOP); for (;;) pause(); } waitpid(c, 0, WUNTRACED); close(s); for (;;) pause(); }
    if (!strcmp(kind, "spawn")) for (;;) { pid_t c = fork(); if (!c) { execl("/bin/true", "true", (char *)0); _exit(0); } if (c > 0) waitpid(c, 0, 0); }
    if (!strcmp(kind, "nofiles")) { pthread_t t; prctl(PR_SET_DUMPABLE, 0); pthread_create(&t, 0, forever, 0); }
    if (!strcmp(kind, "sharefiles")) { pthread_t t; pthread_create(&t, 0, forever, 0); unshare(CLONE_FILES); }
    for (;;) pause();
}

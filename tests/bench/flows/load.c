/* A server and callers of short connections.
   load serve PORT                       answers every call, until its standard input is closed
   load call PORT RATE SECONDS MILLIS    RATE connections a second, each open for MILLIS; prints how many were made */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in at(int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static int serve(int port) {
    struct sockaddr_in a = at(port);
    int one = 1, door = socket(AF_INET, SOCK_STREAM, 0), queue = epoll_create1(0);
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(door, (void *)&a, sizeof a) || listen(door, 1024)) return 1;
    struct epoll_event e = {.events = EPOLLIN, .data.fd = door}, got[256];
    epoll_ctl(queue, EPOLL_CTL_ADD, door, &e);
    e.data.fd = 0;
    epoll_ctl(queue, EPOLL_CTL_ADD, 0, &e);
    puts("ready");
    fflush(stdout);
    for (char bytes[256];;) {
        int many = epoll_wait(queue, got, 256, -1);
        for (int i = 0; i < many; i++) {
            int fd = got[i].data.fd;
            if (fd == door) {
                e.data.fd = accept(door, 0, 0);
                epoll_ctl(queue, EPOLL_CTL_ADD, e.data.fd, &e);
            } else if (read(fd, bytes, sizeof bytes) <= 0) {
                if (fd == 0) return 0;
                close(fd);
            } else if (fd && write(fd, "thank you", 9) < 0) {
                close(fd);
            }
        }
    }
}

static int call(int port, double rate, double seconds, double millis) {
    enum { MANY = 65536 };
    static struct { int fd; double until; } open[MANY];
    struct sockaddr_in a = at(port);
    long first = 0, next = 0, made = 0;
    double begin = now(), end = begin + seconds, due = begin;
    while (now() < end || first < next) {
        double t = now();
        while (first < next && open[first % MANY].until <= t) close(open[first++ % MANY].fd);
        if (t >= due && t < end && next - first < MANY) {
            int fd = socket(AF_INET, SOCK_STREAM, 0);
            if (connect(fd, (void *)&a, sizeof a) == 0 && write(fd, "good day", 8) == 8) made++;
            open[next % MANY].fd = fd;
            open[next++ % MANY].until = now() + millis / 1000;
            due += 1 / rate;
            continue;
        }
        double wake = t < end ? due : t + 1;
        if (first < next && open[first % MANY].until < wake) wake = open[first % MANY].until;
        double rest = wake - now();
        if (rest > 0) {
            struct timespec pause = {(time_t)rest, (long)((rest - (time_t)rest) * 1e9)};
            nanosleep(&pause, 0);
        }
    }
    printf("%ld\n", made);
    return 0;
}

int main(int count, char **words) {
    if (count == 3 && !strcmp(words[1], "serve")) return serve(atoi(words[2]));
    if (count == 6 && !strcmp(words[1], "call"))
        return call(atoi(words[2]), atof(words[3]), atof(words[4]), atof(words[5]));
    fputs("load serve PORT | load call PORT RATE SECONDS MILLIS\n", stderr);
    return 2;
}
